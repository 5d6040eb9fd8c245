package orders

import (
	"fmt"
	"unicode/utf8"
)

// MaxNameLen is the longest table or column name, in characters (MySQL's limit;
// PostgreSQL cuts at 63 bytes).
const MaxNameLen = 64

// Options name the table of the business. Names are taken literally and always quoted,
// so that order, my images or 订单 are fine.
type Options struct {
	// Table is the table of the orders. Defaults to "orders".
	Table string
	// KeyColumn holds the order's ID. It should be unique: an ID that finds two rows is an
	// error. Defaults to "id".
	KeyColumn string
	// ImagesColumn holds the JSON array of fileIDs as text; NULL and the empty text read as an empty
	// array. Defaults to "images".
	ImagesColumn string
	// OwnerColumn holds the openid that the order belongs to. Empty means that the table
	// has none; then no file is refused for its owner.
	OwnerColumn string
	// UpdatedAtColumn is set to CURRENT_TIMESTAMP, the clock of the database, by each
	// write. Empty means that the table has none.
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

// columns lists the columns in use, with the option that names each.
func (o Options) columns() []column {
	cols := []column{{"KeyColumn", o.KeyColumn}, {"ImagesColumn", o.ImagesColumn}}
	if o.OwnerColumn != "" {
		cols = append(cols, column{"OwnerColumn", o.OwnerColumn})
	}
	if o.UpdatedAtColumn != "" {
		cols = append(cols, column{"UpdatedAtColumn", o.UpdatedAtColumn})
	}
	return cols
}

type column struct{ option, name string }

func (o Options) validate() error {
	seen := make(map[string]string)
	for _, c := range append(o.columns(), column{"Table", o.Table}) {
		if err := checkIdentifier(c.name); err != nil {
			return fmt.Errorf("orders: %s: %w", c.option, err)
		}
		if other, ok := seen[c.name]; ok && c.option != "Table" {
			return fmt.Errorf("orders: %s and %s both name the column %q", other, c.option, c.name)
		}
		seen[c.name] = c.option
	}
	return nil
}

// checkIdentifier refuses what no engine can quote.
func checkIdentifier(name string) error {
	if name == "" {
		return fmt.Errorf("the name is empty")
	}
	if !utf8.ValidString(name) {
		return fmt.Errorf("the name %q is not valid UTF-8", name)
	}
	for _, r := range name {
		if r == 0 {
			return fmt.Errorf("the name %q has a NUL in it", name)
		}
	}
	if n := utf8.RuneCountInString(name); n > MaxNameLen {
		return fmt.Errorf("the name has %d characters: at most %d", n, MaxNameLen)
	}
	return nil
}
