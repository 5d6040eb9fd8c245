package orders

import (
	"database/sql"
	"fmt"

	"github.com/afterput/afterput/pipeline"
)

// Dialect names an SQL engine.
type Dialect string

// The engines.
const (
	// SQLite is SQLite 3 through any database/sql driver whose errors tell their result
	// code by a method Code() int, as modernc.org/sqlite does. Open it with
	// _txlock=immediate, so that writers wait for each other and do not fail.
	SQLite Dialect = "sqlite"
	// Postgres is PostgreSQL through any driver whose errors tell their SQLSTATE by a
	// method SQLState() string, as jackc/pgx does.
	Postgres Dialect = "postgres"
	// MySQL is MySQL or MariaDB through go-sql-driver/mysql, in a strict sql_mode.
	MySQL Dialect = "mysql"
)

// dialect is everything in which the engines differ. A further engine is one further
// value of it; nothing else in the package knows an engine.
type dialect struct {
	// quote writes an identifier.
	quote func(name string) string
	// placeholder writes the n-th parameter, from 1.
	placeholder func(n int) string
	// text reads a column as its exact text.
	text func(column string) string
	// array reads the column of the array: as text that decode understands, which differs
	// whenever the value does, and the name of the column's type.
	array func(column string) (text, kind string)
	// decode gives the JSON that the text of array stands for. An error names a type that
	// cannot hold an array.
	decode func(text, kind string) (string, error)
	// store writes the value that a column of a kind takes from a parameter with JSON.
	store func(kind, param string) string
	// now is the clock of the database.
	now string
	// lock is what a SELECT ends with to hold its row until the end of the transaction;
	// empty where a transaction holds the database.
	lock string
	// isolation of the transaction that writes.
	isolation sql.IsolationLevel
	// maxName is the longest name in bytes; 0 means no limit but MaxNameLen.
	maxName int
	// foldNames says that the engine finds quoted names in any case.
	foldNames bool
	// unique asks how many unique indexes a table has on one column alone.
	unique func(t tableName, column string) (query string, args []any)
	// noSuchKey says that an ID was refused because it cannot be a value of the column.
	noSuchKey func(err error) bool
	// again tells that a transaction lost against others, so that nothing of it happened and
	// it may simply run again.
	again func(err error) bool
	// class tells the class of an error of the driver.
	class func(err error) pipeline.Class
}

func dialectOf(d Dialect) (dialect, error) {
	switch d {
	case SQLite:
		return sqliteDialect(), nil
	case Postgres:
		return postgresDialect(), nil
	case MySQL:
		return mysqlDialect(), nil
	}
	return dialect{}, fmt.Errorf("orders: dialect %q is not known: use %q, %q or %q", d, SQLite, Postgres, MySQL)
}

// plainDecode is decode of an engine whose columns give the JSON itself.
func plainDecode(text, _ string) (string, error) { return text, nil }

// plainStore is store of an engine whose columns take JSON as text.
func plainStore(_, param string) string { return param }
