package config

import "github.com/afterput/afterput/producer/events"

// events checks how announcements are read.
func (v *validator) events() {
	c := v.cfg
	if s := c.Auth.CallbackSecret; s != "" && len(s) < minSecret {
		v.add("auth.callbackSecret", "use a random one, such as from: openssl rand -hex 32", "is shorter than %d characters", minSecret)
	}
	v.pattern("events", c.Events.PathPattern, c.Orders.URL != "" || len(c.Orders.Stores) > 0)
	for i, b := range c.Buckets {
		at, orders := index("buckets", i), c.OrdersOf(b).URL != ""
		v.pattern(at+".events", b.Events.PathPattern, orders)
		p, err := events.ParsePattern(b.Events.PathPattern)
		if err == nil && p.Has("order") && !orders && c.Orders.URL != "" {
			v.add(at+".orders", "name a store, or set events.pathPattern of the bucket to one without {order}",
				"is %q, but events.pathPattern finds orders", b.Orders)
		}
	}
}

// pattern checks one pattern of names. Orders says that there is a database of orders for
// the names that it matches.
func (v *validator) pattern(at, text string, orders bool) {
	if text == "" {
		return
	}
	const example = "write one such as users/{owner}/orders/{order}/{name}"
	p, err := events.ParsePattern(text)
	switch {
	case err != nil:
		v.add(at+".pathPattern", example, "%s", err.Error())
	case p.Has("order") && !orders:
		v.add(at+".pathPattern", "set orders.url, or take {order} out", "finds orders, but no orders database is configured")
	}
}
