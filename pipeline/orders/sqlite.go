package orders

import (
	"errors"
	"strings"

	"github.com/afterput/afterput/pipeline"
)

// Primary result codes of SQLite (sqlite.org/rescode.html).
const (
	sqlitePerm       = 3
	sqliteReadOnly   = 8
	sqliteTooBig     = 18
	sqliteConstraint = 19
	sqliteAuth       = 23
)

func sqliteDialect() dialect {
	return dialect{
		// Not double quotes: SQLite reads a double-quoted name that it does not know as a
		// string (sqlite.org/quirks.html), so that a missing column would read as its name.
		quote:       func(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" },
		placeholder: func(int) string { return "?" },
		text:        func(column string) string { return "CAST(" + column + " AS TEXT)" },
		// As blobs, because a column may be COLLATE NOCASE or have numeric affinity.
		sameText: func(column, param string) string {
			return "CAST(" + column + " AS BLOB) = CAST(" + param + " AS BLOB)"
		},
		foldNames: true,
		class:     sqliteClass,
	}
}

// sqliteClass classes by result code. SQLITE_BUSY and SQLITE_LOCKED are Transient, as is
// everything that is not known to be hopeless, so that a table that is created late
// still gets its files.
func sqliteClass(err error) pipeline.Class {
	var coded interface{ Code() int }
	if !errors.As(err, &coded) {
		return pipeline.Transient
	}
	switch coded.Code() & 0xff {
	case sqlitePerm, sqliteReadOnly, sqliteAuth:
		return pipeline.Denied
	case sqliteConstraint, sqliteTooBig:
		return pipeline.Invalid
	}
	return pipeline.Transient
}
