package config

import (
	"regexp"
)

// orders checks the database of orders, and that the names in it are such as people write:
// anything else is a slip of the pen, although every name is quoted.
func (v *validator) orders() {
	o := v.cfg.Orders
	if url := o.URL.Reveal(); url != "" {
		v.database("orders.url", url)
	}
	const name = `[\p{L}_][\p{L}\p{N}_$ -]{0,62}`
	table, column := regexp.MustCompile(`^(`+name+`\.)?`+name+`$`), regexp.MustCompile(`^`+name+`$`)
	for _, n := range []struct {
		key, value string
		required   bool
		like       *regexp.Regexp
		fix        string
	}{
		{"orders.table", o.Table, true, table, "write table or schema.table, of letters, digits and _"},
		{"orders.keyColumn", o.KeyColumn, true, column, "write letters, digits and _, beginning with a letter"},
		{"orders.imagesColumn", o.ImagesColumn, true, column, "write letters, digits and _, beginning with a letter"},
		{"orders.ownerColumn", o.OwnerColumn, false, column, "write letters, digits and _, beginning with a letter"},
		{"orders.updatedAtColumn", o.UpdatedAtColumn, false, column, "write letters, digits and _, beginning with a letter"},
	} {
		if (n.value != "" || n.required) && !n.like.MatchString(n.value) {
			v.add(n.key, n.fix, "is %q, which is not a plain SQL name", n.value)
		}
	}
}
