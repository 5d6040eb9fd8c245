package orders

import (
	"database/sql"
	"errors"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/afterput/afterput/pipeline"
)

func mysqlDialect() dialect {
	return dialect{
		quote:       func(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" },
		placeholder: func(int) string { return "?" },
		// The driver gives texts, JSON and blobs as they are. A CAST would give NULL for bytes
		// that are not UTF-8, and NULL is an empty array.
		text:   func(column string) string { return column },
		array:  func(column string) (string, string) { return column, "''" },
		decode: plainDecode,
		store:  plainStore,
		// With its fraction: without, a row could look older than what a reader has seen in
		// the same second.
		now:  "CURRENT_TIMESTAMP(6)",
		lock: " FOR UPDATE",
		// No gap is locked where there is no row.
		isolation: sql.LevelReadCommitted,
		foldNames: true,
		unique:    mysqlUnique,
		noSuchKey: func(err error) bool { return mysqlNumber(err) == mysqlMixOfCollations },
		again:     func(err error) bool { n := mysqlNumber(err); return n == mysqlDeadlock || n == mariadbSnapshot },
		class:     mysqlClass,
	}
}

func mysqlUnique(t tableName, column string) (string, []any) {
	return `SELECT COUNT(*) FROM (SELECT index_name FROM information_schema.statistics
		WHERE table_schema = COALESCE(NULLIF(?, ''), DATABASE()) AND table_name = ?
		GROUP BY index_name HAVING COUNT(*) = 1 AND MAX(non_unique) = 0 AND MAX(sub_part) IS NULL AND LOWER(MAX(column_name)) = LOWER(?)) AS i`,
		[]any{t.schema, t.name, column}
}

// Error numbers of MySQL (dev.mysql.com/doc/mysql-errors) and MariaDB.
const (
	mysqlDatabaseDenied  = 1044
	mysqlUserDenied      = 1045
	mariadbSnapshot      = 1020
	mysqlNull            = 1048
	mysqlDuplicate       = 1062
	mysqlTableDenied     = 1142
	mysqlColumnDenied    = 1143
	mysqlPacketTooLarge  = 1153
	mysqlPrivilege       = 1227
	mysqlDeadlock        = 1213
	mysqlOutOfRange      = 1264
	mysqlTruncated       = 1265
	mysqlMixOfCollations = 1267
	mysqlWrongValue      = 1292
	mysqlWrongText       = 1366
	mysqlTooLong         = 1406
	mysqlParent          = 1451
	mysqlChild           = 1452
	mysqlSignal          = 1644
	mysqlInvalidJSON     = 3140
	mysqlCheck           = 3819
	mariadbCheck         = 4025
)

// mysqlNumber gives the number of a server's error; 0 where it is none.
func mysqlNumber(err error) uint16 {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return e.Number
	}
	return 0
}

// mysqlClass classes by number. What is not known to be hopeless is Transient: lost
// connections, deadlocks, lock timeouts, a server that is read-only while it fails over,
// and a table that is created late.
func mysqlClass(err error) pipeline.Class {
	switch mysqlNumber(err) {
	case mysqlDatabaseDenied, mysqlUserDenied, mysqlTableDenied, mysqlColumnDenied, mysqlPrivilege:
		return pipeline.Denied
	case mysqlNull, mysqlDuplicate, mysqlPacketTooLarge, mysqlOutOfRange, mysqlTruncated, mysqlWrongValue, mysqlWrongText,
		mysqlTooLong, mysqlParent, mysqlChild, mysqlSignal, mysqlInvalidJSON, mysqlCheck, mariadbCheck:
		return pipeline.Invalid
	}
	return pipeline.Transient
}
