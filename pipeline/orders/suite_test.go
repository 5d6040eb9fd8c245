package orders_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/orders"
	"github.com/afterput/afterput/pipeline/orders/orderstest"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
)

// engine is an SQL engine as the business uses it.
type engine struct {
	dialect orders.Dialect
	// url is the URL of an empty database.
	url func(t testing.TB) string
	// quote writes an identifier.
	quote func(name string) string
	// text, time are types of columns; text compares byte by byte.
	text, time string
	// param writes the n-th parameter of a statement.
	param func(n int) string
	// read reads a column as text.
	read func(column string) string
}

func backtick(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func sqlite() engine {
	return engine{
		dialect: orders.SQLite,
		url:     sqldbtest.SQLite,
		quote:   backtick, text: "TEXT", time: "TEXT",
		param: func(int) string { return "?" },
		read:  func(column string) string { return column },
	}
}

func postgres() engine {
	return engine{
		dialect: orders.Postgres,
		url:     sqldbtest.Postgres,
		quote:   func(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` },
		text:    "text", time: "timestamptz",
		param: func(n int) string { return "$" + string(rune('0'+n)) },
		read:  func(column string) string { return column + "::text" },
	}
}

func mariadb() engine {
	return engine{
		dialect: orders.MySQL,
		url:     sqldbtest.MariaDB,
		quote:   backtick, text: "VARCHAR(255) COLLATE utf8mb4_bin", time: "DATETIME(6)",
		param: func(int) string { return "?" },
		read:  func(column string) string { return "CAST(" + column + " AS CHAR)" },
	}
}

// variants are the column types that hold an array, with what the business writes for
// JSON in a parameter.
func variants() []variant {
	plain := func(param string) string { return param }
	asArray := func(param string) string {
		return "(SELECT array_agg(e ORDER BY n) FROM jsonb_array_elements_text(NULLIF(" + param + "::jsonb, 'null')) WITH ORDINALITY AS x(e, n))"
	}
	as := func(kind string) func(string) string {
		return func(param string) string { return param + "::" + kind }
	}
	return []variant{
		{"sqlite/TEXT", sqlite(), "TEXT", plain},
		{"sqlite/JSON", sqlite(), "JSON", plain},
		{"postgres/text[]", postgres(), "text[]", asArray},
		{"postgres/jsonb", postgres(), "jsonb", as("jsonb")},
		{"postgres/json", postgres(), "json", as("json")},
		{"postgres/text", postgres(), "text", as("text")},
		{"mariadb/JSON", mariadb(), "JSON", plain},
		{"mariadb/LONGTEXT", mariadb(), "LONGTEXT", plain},
	}
}

type variant struct {
	name string
	engine
	images string // the type of the column
	value  func(param string) string
}

func TestSuite(t *testing.T) {
	t.Parallel()
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			orderstest.Run(t, v.factory)
		})
	}
}

// backend is a table of the business in a database of its own.
type backend struct {
	*orders.SQL
	variant
	db    *sql.DB
	names orderstest.Names
}

func (v variant) factory(t *testing.T, names orderstest.Names) orderstest.Backend {
	t.Helper()
	db := v.open(t)
	cols := []string{v.quote(names.Key) + " " + v.text + " PRIMARY KEY", v.quote(names.Images) + " " + v.images}
	if names.Owner != "" {
		cols = append(cols, v.quote(names.Owner)+" "+v.text)
	}
	if names.UpdatedAt != "" {
		cols = append(cols, v.quote(names.UpdatedAt)+" "+v.time)
	}
	exec(t, db, "CREATE TABLE "+v.quote(names.Table)+" ("+strings.Join(cols, ", ")+")")
	s, err := orders.NewSQL(db, orders.Options{
		Table: names.Table, KeyColumn: names.Key, ImagesColumn: names.Images,
		OwnerColumn: names.Owner, UpdatedAtColumn: names.UpdatedAt, Dialect: v.dialect,
	})
	require.NoError(t, err)
	found, err := s.Inspect(t.Context())
	require.NoError(t, err)
	require.True(t, found.KeyUnique)
	return &backend{SQL: s, variant: v, db: db, names: names}
}

// Holds: a text[] holds nothing but texts.
func (b *backend) Holds(images string) bool {
	return !strings.HasSuffix(b.images, "[]") || images == "" || images == "null" ||
		strings.HasPrefix(strings.TrimSpace(images), "[") && !strings.ContainsAny(images, "1") && !strings.HasPrefix(images, "[[")
}

func (b *backend) PutOrder(t *testing.T, id, owner, images string) {
	t.Helper()
	cols, values := []string{b.quote(b.names.Key), b.quote(b.names.Images)}, []string{b.param(1), b.value(b.param(2))}
	args := []any{id, sql.NullString{String: images, Valid: images != ""}}
	if b.names.Owner != "" {
		cols, values = append(cols, b.quote(b.names.Owner)), append(values, b.param(3))
		args = append(args, sql.NullString{String: owner, Valid: owner != ""})
	}
	if b.names.UpdatedAt != "" {
		cols, values = append(cols, b.quote(b.names.UpdatedAt)), append(values, "'2001-01-01 00:00:00'")
	}
	exec(t, b.db, "INSERT INTO "+b.quote(b.names.Table)+" ("+strings.Join(cols, ", ")+") VALUES ("+strings.Join(values, ", ")+")", args...)
}

func (b *backend) DeleteOrder(t *testing.T, id string) {
	t.Helper()
	exec(t, b.db, "DELETE FROM "+b.quote(b.names.Table)+" WHERE "+b.quote(b.names.Key)+" = "+b.param(1), id)
}

func (b *backend) UpdatedAt(t *testing.T, id string) (at string) {
	t.Helper()
	require.NoError(t, b.db.QueryRowContext(t.Context(), "SELECT "+b.read(b.quote(b.names.UpdatedAt))+
		" FROM "+b.quote(b.names.Table)+" WHERE "+b.quote(b.names.Key)+" = "+b.param(1), id).Scan(&at))
	return at
}

func (e engine) open(t *testing.T) *sql.DB { t.Helper(); return open(t, e.url(t)) }

func open(t *testing.T, url string) *sql.DB {
	t.Helper()
	connect := sqldb.Open
	if strings.HasPrefix(url, "sqlite:") {
		connect = sqldb.Create // there is no file yet
	}
	db, err := connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db.SQL()
}
