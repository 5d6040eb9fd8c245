package orders_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the database/sql driver "sqlite"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/orders"
)

func openSQLite(t *testing.T, params string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "orders.db")+"?"+params)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func exec(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), query, args...)
	require.NoError(t, err)
}

func newOrders(t *testing.T, schema string, opt orders.Options) (*orders.SQL, *sql.DB) {
	t.Helper()
	db := openSQLite(t, "")
	exec(t, db, schema)
	s, err := orders.NewSQL(db, opt)
	require.NoError(t, err)
	return s, db
}

// TestSQLText covers what only a text column can hold.
func TestSQLText(t *testing.T) {
	t.Parallel()
	s, db := newOrders(t, "CREATE TABLE orders (id TEXT PRIMARY KEY, images TEXT COLLATE NOCASE)", orders.Options{})
	for id, tt := range map[string]struct {
		raw  any
		want string // part of the error; "" for an empty array
	}{
		"empty text":    {"", ""},
		"blank":         {" \n", ""},
		"no JSON":       {"a.jpg,b.jpg", `want a JSON array of strings, found "a.jpg,b.jpg"`},
		"cut":           {`["a"`, "want a JSON array of strings"},
		"trailing":      {`["a"] x`, "want a JSON array of strings"},
		"surrogate":     {`["\ud800"]`, "entry 0 has a broken"},
		"not UTF-8":     {[]byte("[\"\xff\"]"), "not valid UTF-8"},
		"blob of JSON":  {[]byte(`[]`), ""},
		"a number":      {5, `found "5"`},
		"long and wide": {strings.Repeat("图", 100), "图…"},
	} {
		exec(t, db, "INSERT INTO orders VALUES (?, ?)", id, tt.raw)
		o, err := s.ReadOrder(t.Context(), id)
		if tt.want != "" {
			require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err), id)
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, `column "images" of "orders"`)
			continue
		}
		require.NoError(t, err, id)
		require.Empty(t, o.Images, id)
		require.NoError(t, s.WriteImages(t.Context(), o, []string{"a&b"}), id)
		var raw string
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT images FROM orders WHERE id = ?", id).Scan(&raw))
		require.Equal(t, `["a&b"]`, raw)
	}
}

// TestSQLComparesBytes: a column's collation or affinity never hides a change.
func TestSQLComparesBytes(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"TEXT COLLATE NOCASE", "TEXT COLLATE RTRIM", "JSON", "BLOB"} {
		s, db := newOrders(t, "CREATE TABLE orders (id TEXT PRIMARY KEY, images "+kind+")", orders.Options{})
		exec(t, db, `INSERT INTO orders VALUES ('1', '["a"]'), ('2', '')`)
		one, err := s.ReadOrder(t.Context(), "1")
		require.NoError(t, err)
		two, err := s.ReadOrder(t.Context(), "2")
		require.NoError(t, err)
		exec(t, db, `UPDATE orders SET images = CASE id WHEN '1' THEN '["A"]' ELSE ' ' END`)
		require.Equal(t, pipeline.Conflict, pipeline.ClassOf(s.WriteImages(t.Context(), one, []string{"x"})), kind)
		require.Equal(t, pipeline.Conflict, pipeline.ClassOf(s.WriteImages(t.Context(), two, []string{"x"})), kind)
		exec(t, db, `UPDATE orders SET images = NULL`)
		require.Equal(t, pipeline.Conflict, pipeline.ClassOf(s.WriteImages(t.Context(), two, []string{"x"})), kind)
	}
}

func TestSQLKeys(t *testing.T) {
	t.Parallel()
	s, db := newOrders(t, "CREATE TABLE orders (id TEXT COLLATE NOCASE, images TEXT)", orders.Options{})
	exec(t, db, `INSERT INTO orders VALUES ('A1', '[]'), ('B', '[]'), ('B', '[]')`)
	_, err := s.ReadOrder(t.Context(), "a1")
	require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
	require.ErrorContains(t, err, `the row found is "A1"`)
	_, err = s.ReadOrder(t.Context(), "B")
	require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
	require.ErrorContains(t, err, "has to be unique")

	s, db = newOrders(t, "CREATE TABLE orders (id INTEGER PRIMARY KEY, images TEXT)", orders.Options{})
	exec(t, db, `INSERT INTO orders VALUES (7, NULL)`)
	o, err := s.ReadOrder(t.Context(), "7")
	require.NoError(t, err)
	require.NoError(t, s.WriteImages(t.Context(), o, []string{"x"}))
	_, err = s.ReadOrder(t.Context(), "seven")
	require.Equal(t, pipeline.Waiting, pipeline.ClassOf(err))
}

func TestSQLErrorClasses(t *testing.T) {
	t.Parallel()
	s, db := newOrders(t, "CREATE TABLE orders (id TEXT PRIMARY KEY, images TEXT CHECK (length(images) < 20))", orders.Options{})
	exec(t, db, `INSERT INTO orders VALUES ('1', '[]')`)
	o, err := s.ReadOrder(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, pipeline.Bug, pipeline.ClassOf(s.WriteImages(t.Context(), pipeline.Order{ID: "1"}, nil)))
	require.Equal(t, pipeline.Invalid, pipeline.ClassOf(s.WriteImages(t.Context(), o, []string{strings.Repeat("x", 30)})), "the table's own CHECK")

	// Another writer holds the database and there is no busy timeout.
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), "BEGIN EXCLUSIVE")
	require.NoError(t, err)
	_, err = s.ReadOrder(t.Context(), "1")
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
	require.ErrorContains(t, err, "locked")
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(s.WriteImages(t.Context(), o, nil)))
	_, err = conn.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, conn.Close())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.ReadOrder(ctx, "1")
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
	require.ErrorIs(t, err, context.Canceled)
}

func TestSQLReadOnly(t *testing.T) {
	t.Parallel()
	s, db := newOrders(t, "CREATE TABLE orders (id TEXT PRIMARY KEY, images TEXT)", orders.Options{})
	db.SetMaxOpenConns(1)
	exec(t, db, `INSERT INTO orders VALUES ('1', '[]')`)
	exec(t, db, "PRAGMA query_only = 1")
	o, err := s.ReadOrder(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, pipeline.Denied, pipeline.ClassOf(s.WriteImages(t.Context(), o, nil)))
}

func TestCheckSchema(t *testing.T) {
	t.Parallel()
	const schema = "CREATE TABLE orders (id TEXT PRIMARY KEY, Images TEXT)"
	for name, tt := range map[string]struct {
		opt  orders.Options
		want []string
	}{
		"fine":        {orders.Options{}, nil},
		"no table":    {orders.Options{Table: "bestellungen"}, []string{`"bestellungen"`, "option Table", "no such table"}},
		"no column":   {orders.Options{KeyColumn: "_id"}, []string{`no column "_id" (option KeyColumn)`, "the table has: id, Images"}},
		"two columns": {orders.Options{OwnerColumn: "openid", UpdatedAtColumn: "at"}, []string{`"openid" (option OwnerColumn)`, `"at" (option UpdatedAtColumn)`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, db := newOrders(t, schema, tt.opt)
			err := s.CheckSchema(t.Context())
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
			// A missing column is an error when reading too, never the text of its name.
			exec(t, db, "INSERT INTO orders VALUES ('1', '[]')")
			_, err = s.ReadOrder(t.Context(), "1")
			if tt.opt.UpdatedAtColumn == "" {
				require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
			}
		})
	}
}

func TestNewSQLRefuses(t *testing.T) {
	t.Parallel()
	for want, opt := range map[string]orders.Options{
		"Table: the name has 65 characters":               {Table: strings.Repeat("x", 65)},
		`Table: the name "a.b.c" is neither table nor`:    {Table: "a.b.c"},
		`Table: the name ".b" is neither`:                 {Table: ".b"},
		"Table: the name has 66 bytes: at most 63":        {Table: strings.Repeat("图", 22), Dialect: orders.Postgres},
		`KeyColumn: the name "a\x00" has a NUL`:           {KeyColumn: "a\x00"},
		"OwnerColumn: the name \"\\xff\" is not valid":    {OwnerColumn: "\xff"},
		`ImagesColumn and OwnerColumn both name the colu`: {OwnerColumn: "images"},
		`dialect "oracle" is not known`:                   {Dialect: "oracle"},
	} {
		_, err := orders.NewSQL(&sql.DB{}, opt)
		require.ErrorContains(t, err, want)
	}
	_, err := orders.NewSQL(nil, orders.Options{})
	require.ErrorContains(t, err, "no database")
	_, err = orders.NewSQL(&sql.DB{}, orders.Options{Table: strings.Repeat("图", 64)})
	require.NoError(t, err)
}
