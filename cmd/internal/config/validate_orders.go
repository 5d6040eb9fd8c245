package config

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// Store gives the store of a name, that of orders itself for the empty one and default.
func (o Orders) Store(name string) (OrderTable, bool) {
	if name == "" || name == DefaultOrders {
		return o.OrderTable, true
	}
	i := slices.IndexFunc(o.Stores, func(s OrderStore) bool { return s.Name == name })
	if i < 0 {
		return OrderTable{}, false
	}
	return o.Stores[i].OrderTable, true
}

// All lists the stores that have a database, that of orders itself first and without a
// name.
func (o Orders) All() []OrderStore {
	var all []OrderStore
	if o.URL != "" {
		all = append(all, OrderStore{OrderTable: o.OrderTable})
	}
	return append(all, o.Stores...)
}

// OrdersOf gives the store of a bucket's orders; the zero value where it has none.
func (c *Config) OrdersOf(b Bucket) OrderTable {
	if b.Orders == NoOrders {
		return OrderTable{}
	}
	t, _ := c.Orders.Store(b.Orders)
	return t
}

// cloudBaseScheme is that of a URL with an environment.
const cloudBaseScheme = "cloudbase://"

// Env gives the environment whose documents the orders are; false for a database of tables.
func (t OrderTable) Env() (string, bool) {
	return strings.CutPrefix(t.URL.Reveal(), cloudBaseScheme)
}

// Key is the column of the order's ID.
func (t OrderTable) Key() string {
	if _, ok := t.Env(); ok {
		return cmp.Or(t.KeyColumn, "_id")
	}
	return cmp.Or(t.KeyColumn, "id")
}

// Version is the field of a document that counts its writes; empty where none may be added.
func (t OrderTable) Version() string {
	if t.VersionColumn == noVersion {
		return ""
	}
	return cmp.Or(t.VersionColumn, "v")
}

// noVersion is the VersionColumn that names no field.
const noVersion = "none"

// orders checks the stores of orders, and which of them buckets name.
func (v *validator) orders() {
	o := v.cfg.Orders
	v.orderTable("orders", o.OrderTable, false)
	seen := map[string]bool{NoOrders: true, DefaultOrders: true}
	names := []string{NoOrders, DefaultOrders}
	for i, s := range o.Stores {
		at := index("orders.stores", i)
		switch {
		case !plainName.MatchString(s.Name):
			v.add(at+".name", "write 1 to 32 of a-z 0-9 _ -", "is %q", s.Name)
		case seen[s.Name]:
			v.add(at+".name", "give each store its own name; "+DefaultOrders+" and "+NoOrders+" are taken", "is %q a second time", s.Name)
		}
		seen[s.Name] = true
		names = append(names, s.Name)
		v.orderTable(at, s.OrderTable, true)
	}
	for i, b := range v.cfg.Buckets {
		if _, ok := o.Store(b.Orders); !ok && b.Orders != NoOrders {
			v.add(index("buckets", i)+".orders", suggest(b.Orders, slices.Clone(names)), "is %q, which is no name in orders.stores", b.Orders)
		}
	}
}

// orderTable checks a database of orders, and that the names in it are such as people write:
// anything else is a slip of the pen, although every name is quoted.
func (v *validator) orderTable(at string, o OrderTable, required bool) {
	env, documents := o.Env()
	switch url := o.URL.Reveal(); {
	case documents:
		v.environment(at, env)
	case url != "":
		v.database(at+".url", url)
	case required:
		v.found.add(v.cfg.where(at), at+".url", "is not set, nor is orders.url", "write that of your database")
	}
	const name = `[\p{L}_][\p{L}\p{N}_$ -]{0,62}`
	table, column := regexp.MustCompile(`^(`+name+`\.)?`+name+`$`), regexp.MustCompile(`^`+name+`$`)
	if documents {
		table = column
	}
	for _, n := range []struct {
		key, value string
		required   bool
		like       *regexp.Regexp
		fix        string
	}{
		{"table", o.Table, true, table, "write table or schema.table, of letters, digits and _"},
		{"keyColumn", o.KeyColumn, false, column, "write letters, digits and _, beginning with a letter"},
		{"imagesColumn", o.ImagesColumn, true, column, "write letters, digits and _, beginning with a letter"},
		{"ownerColumn", o.OwnerColumn, false, column, "write letters, digits and _, beginning with a letter"},
		{"updatedAtColumn", o.UpdatedAtColumn, false, column, "write letters, digits and _, beginning with a letter"},
		{"versionColumn", o.VersionColumn, false, column, "write letters, digits and _, beginning with a letter"},
	} {
		if (n.value != "" || n.required) && !n.like.MatchString(n.value) {
			v.add(at+"."+n.key, n.fix, "is %q, which is not a plain name", n.value)
		}
	}
}

// environment checks the environment of a store in CloudBase, and that there is a key for it.
func (v *validator) environment(at, env string) {
	if !envName.MatchString(env) {
		v.add(at+".url", "write "+cloudBaseScheme+" and the ID of the environment, such as prod-1a2b3c", "names no environment")
		return
	}
	if !v.cfg.CloudBaseOf(env).Enabled() {
		v.add(at+".url", "set cloudbase.apiKey, or cloudbase.secretId and secretKey", "is in CloudBase, and no key for it is set")
	}
}
