package sqldb

import (
	"strings"

	"github.com/uptrace/bun"
)

// ForUpdate ends a SELECT whose rows the transaction is going to write: others wait for
// them until it ends. SQLite has one writer, and no such clause.
func (db *DB) ForUpdate(q *bun.SelectQuery) *bun.SelectQuery {
	if db.Engine == SQLite {
		return q
	}
	return q.For("UPDATE")
}

// OnConflict is what follows the ON of an INSERT that updates the row where one with the
// same values of columns, which have a unique index, is there: for bun's InsertQuery.On,
// followed by Set or, to take every column over, by nothing.
func (db *DB) OnConflict(columns ...string) string {
	if db.Engine == MySQL {
		return "DUPLICATE KEY UPDATE"
	}
	return "CONFLICT (" + strings.Join(columns, ", ") + ") DO UPDATE"
}

// Taken is the assignment of columns that take over what could not be inserted, for
// InsertQuery.Set after OnConflict.
func (db *DB) Taken(columns ...string) string {
	set := make([]string, 0, len(columns))
	for _, c := range columns {
		if db.Engine == MySQL {
			set = append(set, c+" = VALUES("+c+")")
		} else {
			set = append(set, c+" = EXCLUDED."+c)
		}
	}
	return strings.Join(set, ", ")
}

// Upsert is OnConflict and Taken in one, for the end of a plain INSERT statement: of a row
// with these keys the other columns are taken over.
func (db *DB) Upsert(keys, columns []string) string {
	on := " ON " + db.OnConflict(keys...)
	if db.Engine != MySQL {
		on += " SET"
	}
	return on + " " + db.Taken(columns...)
}
