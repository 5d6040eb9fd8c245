package orders

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/afterput/afterput/pipeline"
)

func postgresDialect() dialect {
	return dialect{
		quote:       func(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` },
		placeholder: func(n int) string { return "$" + strconv.Itoa(n) },
		text:        func(column string) string { return column + "::text" },
		array: func(column string) (string, string) {
			return "to_json(" + column + ")::text", "pg_typeof(" + column + ")::text"
		},
		decode: postgresDecode,
		store:  postgresStore,
		// Not CURRENT_TIMESTAMP: it is the begin of the transaction, which may lie before what
		// the one that held the row has written.
		now: "clock_timestamp()",
		// What the UPDATE takes anyway. FOR UPDATE would also hold up whoever inserts a row
		// that refers to the order.
		lock:      " FOR NO KEY UPDATE",
		isolation: sql.LevelReadCommitted,
		maxName:   63, // NAMEDATALEN - 1
		unique:    postgresUnique,
		noSuchKey: postgresNoSuchKey,
		again:     postgresAgain,
		class:     postgresClass,
	}
}

// Types of a column as pg_typeof names them.
const (
	pgText         = "text"
	pgVarchar      = "character varying"
	pgJSON         = "json"
	pgJSONB        = "jsonb"
	pgTextArray    = "text[]"
	pgVarcharArray = "character varying[]"
)

// postgresDecode takes what to_json gives: a text becomes a JSON string, everything else
// is JSON already.
func postgresDecode(text, kind string) (string, error) {
	switch kind {
	case pgJSON, pgJSONB, pgTextArray, pgVarcharArray:
		return text, nil
	case pgText, pgVarchar:
		if text == "" {
			return "", nil
		}
		var inner string
		err := json.Unmarshal([]byte(text), &inner)
		return inner, err
	}
	return "", fmt.Errorf("the type %s cannot hold the array: make it text[], jsonb, json or text", kind)
}

func postgresStore(kind, param string) string {
	switch kind {
	case pgTextArray, pgVarcharArray:
		return "ARRAY(SELECT e FROM jsonb_array_elements_text(" + param + "::text::jsonb) WITH ORDINALITY AS x(e, n) ORDER BY n)"
	case pgJSON, pgJSONB:
		return param + "::text::" + kind
	}
	return param + "::text"
}

func postgresUnique(t tableName, column string) (string, []any) {
	return `SELECT COUNT(*) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
		WHERE i.indrelid = to_regclass($1::text) AND a.attname = $2::text AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1 AND i.indpred IS NULL`,
		[]any{postgresDialect().quoteTable(t), column}
}

// sqlState gives the SQLSTATE of an error of a PostgreSQL driver; empty where it has none.
func sqlState(err error) string {
	if coded, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return coded.SQLState()
	}
	return ""
}

// postgresNoSuchKey knows a text that is no number or no UUID, a number out of range, and
// a character that the encoding of the database has not (PostgreSQL, appendix A).
func postgresNoSuchKey(err error) bool {
	switch sqlState(err) {
	case "22P02", "22003", "22P05", "22021":
		return true
	}
	return false
}

// postgresAgain knows serialization_failure and deadlock_detected.
func postgresAgain(err error) bool { return sqlState(err) == "40001" || sqlState(err) == "40P01" }

// postgresClass classes by SQLSTATE. What is not known to be hopeless is Transient: lost
// connections, deadlocks, serialization failures, timeouts, a server that is read-only
// while it fails over, and a table that is created late.
func postgresClass(err error) pipeline.Class {
	state := sqlState(err)
	if len(state) != 5 {
		return pipeline.Transient
	}
	switch state {
	case "42501": // insufficient_privilege
		return pipeline.Denied
	case "P0001": // raise_exception: a trigger of the business refused
		return pipeline.Invalid
	}
	switch state[:2] {
	case "28": // invalid authorization
		return pipeline.Denied
	case "22", "23", "44", "54": // data, constraints, WITH CHECK OPTION, limits
		return pipeline.Invalid
	}
	return pipeline.Transient
}
