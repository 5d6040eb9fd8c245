package orders

import (
	"fmt"

	"github.com/afterput/afterput/pipeline"
)

// Dialect names an SQL engine.
type Dialect string

// SQLite is SQLite 3 through any database/sql driver whose errors tell their result
// code by a method Code() int, as modernc.org/sqlite does.
const SQLite Dialect = "sqlite"

// dialect is everything in which the engines differ. A further engine is one further
// value of it; nothing else in the package knows an engine.
type dialect struct {
	// quote writes an identifier.
	quote func(name string) string
	// placeholder writes the n-th parameter, from 1.
	placeholder func(n int) string
	// text reads a column as its exact text.
	text func(column string) string
	// sameText compares a column with a parameter byte by byte, whatever its collation.
	sameText func(column, param string) string
	// foldNames says that the engine finds quoted names in any case.
	foldNames bool
	// class tells the class of an error of the driver.
	class func(err error) pipeline.Class
}

func dialectOf(d Dialect) (dialect, error) {
	if d == SQLite {
		return sqliteDialect(), nil
	}
	return dialect{}, fmt.Errorf("orders: dialect %q is not known: use %q", d, SQLite)
}
