package config

import "github.com/afterput/afterput/producer/events"

// events checks how announcements are read.
func (v *validator) events() {
	c := v.cfg
	if s := c.Auth.CallbackSecret; s != "" && len(s) < minSecret {
		v.add("auth.callbackSecret", "use a random one, such as from: openssl rand -hex 32", "is shorter than %d characters", minSecret)
	}
	if c.Events.PathPattern == "" {
		return
	}
	const example = "write one such as users/{owner}/orders/{order}/{name}"
	p, err := events.ParsePattern(c.Events.PathPattern)
	switch {
	case err != nil:
		v.add("events.pathPattern", example, "%s", err.Error())
	case p.Has("order") && c.Orders.URL == "":
		v.add("events.pathPattern", "set orders.url, or take {order} out", "finds orders, but no orders database is configured")
	}
}
