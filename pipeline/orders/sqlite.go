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
		text:        sqliteText,
		array:       func(column string) (string, string) { return sqliteText(column), "''" },
		decode:      plainDecode,
		store:       plainStore,
		now:         "CURRENT_TIMESTAMP",
		foldNames:   true,
		unique:      sqliteUnique,
		noSuchKey:   func(error) bool { return false },
		again:       func(error) bool { return false }, // writers wait for each other
		class:       sqliteClass,
	}
}

func sqliteText(column string) string { return "CAST(" + column + " AS TEXT)" }

// sqliteUnique counts an INTEGER PRIMARY KEY too, which has no index of its own.
func sqliteUnique(t tableName, column string) (string, []any) {
	schema := t.schema
	if schema == "" {
		schema = "main"
	}
	return `SELECT (SELECT COUNT(*) = 1 AND MAX(name) = ?3 COLLATE NOCASE FROM pragma_table_info(?1, ?2) WHERE pk > 0)
		+ (SELECT COUNT(*) FROM pragma_index_list(?1, ?2) AS i WHERE i."unique" = 1 AND i.partial = 0
			AND (SELECT COUNT(*) = 1 AND MAX(name) = ?3 COLLATE NOCASE FROM pragma_index_info(i.name, ?2)))`,
		[]any{t.name, schema, column}
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
