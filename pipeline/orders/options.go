package orders

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxNameLen is the longest table or column name, in characters (MySQL's limit).
// PostgreSQL takes 63 bytes.
const MaxNameLen = 64

// Options name the table of the business. Names are taken literally and always quoted,
// so that order, my images or 订单 are fine. In PostgreSQL upper and lower case differ.
type Options struct {
	// Table is the table of the orders, or schema.table: a schema of PostgreSQL, a database
	// of MySQL, an attached database of SQLite. A dot has no other meaning. Without one it
	// is what the connection finds by itself. Defaults to "orders".
	Table string
	// KeyColumn holds the order's ID, as text, a whole number or a UUID. It should have a
	// unique index: an ID that finds two rows is an error. Defaults to "id".
	KeyColumn string
	// ImagesColumn holds the array of fileIDs: in PostgreSQL a text[], varchar[], jsonb,
	// json, text or varchar, in MySQL a JSON or a text, in SQLite a text. NULL and the
	// empty text read as an empty array. Defaults to "images".
	ImagesColumn string
	// OwnerColumn holds the openid that the order belongs to. Empty means that the table
	// has none; then no file is refused for its owner.
	OwnerColumn string
	// UpdatedAtColumn is set by each write, to the clock of the database in the time zone of
	// the connection. Empty means that the table has none.
	UpdatedAtColumn string
	// Dialect is the engine. The zero value is SQLite.
	Dialect Dialect
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		name  *string
		value string
	}{{&o.Table, "orders"}, {&o.KeyColumn, "id"}, {&o.ImagesColumn, "images"}} {
		if *d.name == "" {
			*d.name = d.value
		}
	}
	if o.Dialect == "" {
		o.Dialect = SQLite
	}
	return o
}

// Names of options that other files ask for.
const (
	optImages    = "ImagesColumn"
	optUpdatedAt = "UpdatedAtColumn"
)

// columns lists the columns in use, with the option that names each.
func (o Options) columns() []column {
	cols := []column{{"KeyColumn", o.KeyColumn}, {optImages, o.ImagesColumn}}
	if o.OwnerColumn != "" {
		cols = append(cols, column{"OwnerColumn", o.OwnerColumn})
	}
	if o.UpdatedAtColumn != "" {
		cols = append(cols, column{optUpdatedAt, o.UpdatedAtColumn})
	}
	return cols
}

type column struct{ option, name string }

// Validate tells, with the option that is wrong, whether the names can be names.
func (o Options) Validate() error {
	o = o.withDefaults()
	d, err := dialectOf(o.Dialect)
	if err != nil {
		return err
	}
	table, err := parseTable(o.Table)
	if err != nil {
		return fmt.Errorf("orders: Table: %w", err)
	}
	names := append(o.columns(), column{"Table", table.name})
	if table.schema != "" {
		names = append(names, column{"Table", table.schema})
	}
	seen := make(map[string]string)
	for _, c := range names {
		if err := d.checkName(c.name); err != nil {
			return fmt.Errorf("orders: %s: %w", c.option, err)
		}
		if other, ok := seen[c.name]; ok && c.option != "Table" {
			return fmt.Errorf("orders: %s and %s both name the column %q", other, c.option, c.name)
		}
		seen[c.name] = c.option
	}
	return nil
}

// tableName is a table and where it is; schema is empty where the connection finds it.
type tableName struct{ schema, name string }

func parseTable(s string) (tableName, error) {
	schema, name, ok := strings.Cut(s, ".")
	switch {
	case !ok:
		return tableName{name: s}, nil
	case schema == "" || name == "" || strings.Contains(name, "."):
		return tableName{}, fmt.Errorf("the name %q is neither table nor schema.table", s)
	}
	return tableName{schema, name}, nil
}

func (d dialect) quoteTable(t tableName) string {
	if t.schema == "" {
		return d.quote(t.name)
	}
	return d.quote(t.schema) + "." + d.quote(t.name)
}

// checkName refuses what the engine cannot quote, or would cut.
func (d dialect) checkName(name string) error {
	if name == "" {
		return fmt.Errorf("the name is empty")
	}
	if !utf8.ValidString(name) {
		return fmt.Errorf("the name %q is not valid UTF-8", name)
	}
	if strings.ContainsRune(name, 0) {
		return fmt.Errorf("the name %q has a NUL in it", name)
	}
	if n := utf8.RuneCountInString(name); n > MaxNameLen {
		return fmt.Errorf("the name has %d characters: at most %d", n, MaxNameLen)
	}
	if d.maxName > 0 && len(name) > d.maxName {
		return fmt.Errorf("the name has %d bytes: at most %d", len(name), d.maxName)
	}
	return nil
}
