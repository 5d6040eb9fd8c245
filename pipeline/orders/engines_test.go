package orders_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/orders"
)

// shop is an engine with a table that a test made.
func (e engine) shop(t *testing.T, opt orders.Options, statements ...string) (*orders.SQL, *sql.DB) {
	t.Helper()
	db := e.open(t)
	for _, s := range statements {
		exec(t, db, s)
	}
	opt.Dialect = e.dialect
	s, err := orders.NewSQL(db, opt)
	require.NoError(t, err)
	return s, db
}

func readOrder(t *testing.T, s pipeline.OrderStore, id string) pipeline.Order {
	t.Helper()
	o, err := s.ReadOrder(t.Context(), id)
	require.NoError(t, err, id)
	return o
}

// servers runs a test on the engines that lock rows.
func servers(t *testing.T, test func(t *testing.T, e engine)) {
	t.Helper()
	for name, e := range map[string]engine{"postgres": postgres(), "mariadb": mariadb()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, e)
		})
	}
}

// waiter asks whether a session of the database waits for a lock.
func (e engine) waiter() string {
	if e.dialect == orders.Postgres {
		return "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
	}
	return "SELECT COUNT(*) FROM information_schema.innodb_trx x JOIN information_schema.processlist p ON p.id = x.trx_mysql_thread_id " +
		"WHERE x.trx_state = 'LOCK WAIT' AND p.db = DATABASE()"
}

// pollLocks is how often to ask who waits: InnoDB answers out of a cache that it renews
// only when nobody asked for a tenth of a second.
const pollLocks = 150 * time.Millisecond

// TestRowLock: an attach waits for a business that holds the row, and then does not
// overwrite what it wrote.
func TestRowLock(t *testing.T) {
	t.Parallel()
	servers(t, func(t *testing.T, e engine) {
		s, db := e.shop(t, orders.Options{}, "CREATE TABLE orders (id VARCHAR(20) PRIMARY KEY, images TEXT, note VARCHAR(20))",
			`INSERT INTO orders VALUES ('1', '["a"]', ''), ('2', '[]', '')`)
		for _, tt := range []struct {
			name, change string
			want         pipeline.Class
			images       []string
		}{
			{"another column", "UPDATE orders SET note = 'paid' WHERE id = '1'", "", []string{"a", "x"}},
			{"the array", `UPDATE orders SET images = '["b"]' WHERE id = '1'`, pipeline.Conflict, []string{"b"}},
		} {
			was := readOrder(t, s, "1")
			business, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			_, err = business.ExecContext(t.Context(), tt.change)
			require.NoError(t, err)

			require.NoError(t, s.WriteImages(t.Context(), readOrder(t, s, "2"), []string{"free"}), "another order is not held up")
			written := make(chan error, 1)
			go func() { written <- s.WriteImages(t.Context(), was, []string{"a", "x"}) }()
			require.Eventually(t, func() bool {
				var n int
				return db.QueryRowContext(t.Context(), e.waiter()).Scan(&n) == nil && n > 0
			}, 20*time.Second, pollLocks, "it waits for the row")
			require.NoError(t, business.Commit())
			err = <-written
			if tt.want == "" {
				require.NoError(t, err, tt.name)
			} else {
				require.Equal(t, tt.want, pipeline.ClassOf(err), tt.name)
			}
			require.Equal(t, tt.images, readOrder(t, s, "1").Images, tt.name)
		}
	})
}

// TestNumberKeys: IDs that are numbers are found exactly, beyond what a double can tell
// apart too, and what is no number is no order.
func TestNumberKeys(t *testing.T) {
	t.Parallel()
	servers(t, func(t *testing.T, e engine) {
		ids := []string{"7", "-7", "9007199254740992", "9007199254740993", "1234567890123456789", "1234567890123456788"}
		s, db := e.shop(t, orders.Options{}, "CREATE TABLE orders (id BIGINT PRIMARY KEY, images TEXT)")
		for _, id := range ids {
			exec(t, db, "INSERT INTO orders VALUES ("+id+", NULL)")
		}
		for _, id := range ids {
			require.NoError(t, s.WriteImages(t.Context(), readOrder(t, s, id), []string{"of " + id}), id)
		}
		for _, id := range ids {
			require.Equal(t, []string{"of " + id}, readOrder(t, s, id).Images)
		}
		for id, want := range map[string]pipeline.Class{
			"8": pipeline.Waiting, "seven": pipeline.Waiting, "99999999999999999999": pipeline.Waiting, "007": pipeline.Invalid,
		} {
			_, err := s.ReadOrder(t.Context(), id)
			require.Equal(t, want, pipeline.ClassOf(err), "%s: %v", id, err)
		}
	})
}

// TestQualifiedTable: schema.table is found wherever the connection is, and not the table
// of the same name there.
func TestQualifiedTable(t *testing.T) {
	t.Parallel()
	servers(t, func(t *testing.T, e engine) {
		other := "Laden " + strings.ReplaceAll(t.Name(), "/", "_") // a database in MariaDB: one for all tests
		s, db := e.shop(t, orders.Options{Table: other + ".Order", UpdatedAtColumn: "at"}, "CREATE SCHEMA "+e.quote(other),
			"CREATE TABLE "+e.quote(other)+"."+e.quote("Order")+" (id VARCHAR(20) PRIMARY KEY, images TEXT, at "+e.time+")",
			"INSERT INTO "+e.quote(other)+"."+e.quote("Order")+" VALUES ('1', NULL, NULL)",
			"CREATE TABLE "+e.quote("Order")+" (id VARCHAR(20), images TEXT)", "INSERT INTO "+e.quote("Order")+" VALUES ('1', '')")
		t.Cleanup(func() {
			drop := "DROP SCHEMA " + e.quote(other)
			if e.dialect == orders.Postgres {
				drop += " CASCADE"
			}
			_, err := db.ExecContext(context.WithoutCancel(t.Context()), drop)
			require.NoError(t, err)
		})
		found, err := s.Inspect(t.Context())
		require.NoError(t, err)
		require.True(t, found.KeyUnique, "that of the other table is not")
		require.NoError(t, s.WriteImages(t.Context(), readOrder(t, s, "1"), []string{"x"}))
		var here string
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT images FROM "+e.quote("Order")).Scan(&here))
		require.Empty(t, here)
	})
}

// TestKeyUnique tells which indexes make a key unique.
func TestKeyUnique(t *testing.T) {
	t.Parallel()
	all := map[string]engine{"sqlite": sqlite(), "postgres": postgres(), "mariadb": mariadb()}
	for name, e := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, tt := range []struct {
				table string
				want  bool
			}{
				{"(id INTEGER PRIMARY KEY, images TEXT, shop INTEGER)", true},
				{"(id VARCHAR(20) UNIQUE, images TEXT, shop INTEGER PRIMARY KEY)", true},
				{"(id VARCHAR(20), images TEXT, shop INTEGER PRIMARY KEY)", false},
				{"(id VARCHAR(20), images TEXT, shop INTEGER, PRIMARY KEY (shop, id))", false},
				{"(id VARCHAR(20), images TEXT, shop INTEGER, UNIQUE (id, shop))", false},
			} {
				table := fmt.Sprintf("t%d", i)
				s, _ := e.shop(t, orders.Options{Table: table}, "CREATE TABLE "+table+" "+tt.table)
				found, err := s.Inspect(t.Context())
				require.NoError(t, err)
				require.Equal(t, tt.want, found.KeyUnique, tt.table)
			}
		})
	}
}

// TestInspectRefuses: a table that an attach could not write is told before.
func TestInspectRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		engine     engine
		statements []string
		want       string
	}{
		{"numbers", postgres(), []string{"CREATE TABLE orders (id text, images int[], at timestamptz)"}, "integer[] cannot hold the array"},
		{"a domain", postgres(), []string{"CREATE DOMAIN photos AS jsonb", "CREATE TABLE orders (id text, images photos, at timestamptz)"}, "photos cannot hold"},
		{"a number for a time", postgres(), []string{"CREATE TABLE orders (id text, images text, at bigint)"}, `"at" (option UpdatedAtColumn) is a INT8`},
		{"upper case", postgres(), []string{"CREATE TABLE orders (ID text, images text, \"AT\" timestamptz)"}, `no column "at" (option UpdatedAtColumn)`},
		{"a view of two", postgres(), []string{
			"CREATE TABLE o (id text, images jsonb, at timestamptz)",
			"CREATE VIEW orders AS SELECT a.id, b.images, a.at FROM o a JOIN o b USING (id)",
		}, "cannot be written"},
		{"a number for a time", mariadb(), []string{"CREATE TABLE orders (id INT, images JSON, at BIGINT)"}, `"at" (option UpdatedAtColumn) is a BIGINT`},
		{"a number for a time", sqlite(), []string{"CREATE TABLE orders (id INT, images JSON, at INTEGER)"}, `"at" (option UpdatedAtColumn) is a INTEGER`},
		{"generated", postgres(), []string{"CREATE TABLE orders (id text, images jsonb GENERATED ALWAYS AS ('[]') STORED, at timestamptz)"}, "cannot be written"},
		{"no table", mariadb(), nil, "option Table"},
		{"no table", postgres(), nil, "option Table"},
	} {
		t.Run(string(tt.engine.dialect)+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			s, _ := tt.engine.shop(t, orders.Options{UpdatedAtColumn: "at"}, tt.statements...)
			require.ErrorContains(t, s.CheckSchema(t.Context()), tt.want)
		})
	}
}

// TestRefusedWrites: what a column cannot hold is Invalid, at once, and changes nothing.
func TestRefusedWrites(t *testing.T) {
	t.Parallel()
	long, wide := []string{strings.Repeat("x", 60)}, []string{"😀"}
	for _, tt := range []struct {
		name       string
		engine     engine
		images     []string
		statements []string
	}{
		{"too long", postgres(), long, []string{"CREATE TABLE orders (id text, images varchar(20))"}},
		{"an entry too long", postgres(), long, []string{"CREATE TABLE orders (id text, images varchar(20)[])"}},
		{"NUL in jsonb", postgres(), []string{"\x00"}, []string{"CREATE TABLE orders (id text, images jsonb)"}},
		{"NUL in text[]", postgres(), []string{"\x00"}, []string{"CREATE TABLE orders (id text, images text[])"}},
		{"CHECK", postgres(), long, []string{"CREATE TABLE orders (id text, images text[] CHECK (images[1] <> '" + long[0] + "'))"}},
		{"trigger", postgres(), long, []string{
			"CREATE TABLE orders (id text, images text[])",
			"CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'closed'; END $$",
			"CREATE TRIGGER no BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION no()",
		}},
		{"too long", mariadb(), long, []string{"CREATE TABLE orders (id INT, images VARCHAR(20))"}},
		{"3-byte characters", mariadb(), wide, []string{"CREATE TABLE orders (id INT, images TEXT CHARACTER SET utf8mb3)"}},
		{"CHECK", mariadb(), long, []string{"CREATE TABLE orders (id INT, images JSON CHECK (json_length(images) = 0))"}},
		{"trigger", mariadb(), long, []string{
			"CREATE TABLE orders (id INT, images JSON)",
			"CREATE TRIGGER no BEFORE UPDATE ON orders FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'closed'",
		}},
	} {
		t.Run(string(tt.engine.dialect)+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			s, db := tt.engine.shop(t, orders.Options{}, tt.statements...)
			exec(t, db, "INSERT INTO orders VALUES ('1', NULL)")
			was := readOrder(t, s, "1")
			err := s.WriteImages(t.Context(), was, tt.images)
			require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err), "%v", err)
			require.Equal(t, was, readOrder(t, s, "1"))
		})
	}
}

// TestRights: a user with no more than the columns that an attach needs is enough, and one
// with less is told so.
func TestRights(t *testing.T) {
	t.Parallel()
	servers(t, func(t *testing.T, e engine) {
		opt := orders.Options{OwnerColumn: "openid", UpdatedAtColumn: "at"}
		at := e.url(t)
		e.url = func(testing.TB) string { return at }
		s, db := e.shop(t, opt, "CREATE TABLE orders (id VARCHAR(20) PRIMARY KEY, openid VARCHAR(20), images TEXT, at "+e.time+", total INT)",
			"INSERT INTO orders (id, openid) VALUES ('1', 'oX')")
		require.NoError(t, s.CheckSchema(t.Context()))
		user := "u" + strconv.FormatInt(time.Now().UnixNano(), 36) // of the whole server
		if e.dialect == orders.Postgres {
			exec(t, db, "CREATE ROLE "+user+" LOGIN")
		} else {
			exec(t, db, "CREATE USER "+user)
		}
		t.Cleanup(func() {
			drop := []string{"DROP USER " + user}
			if e.dialect == orders.Postgres {
				drop = []string{"DROP OWNED BY " + user, "DROP ROLE " + user}
			}
			for _, statement := range drop {
				_, err := db.ExecContext(context.WithoutCancel(t.Context()), statement)
				require.NoError(t, err)
			}
		})
		exec(t, db, "GRANT SELECT (id, openid, images), UPDATE (images, at) ON orders TO "+user)
		u, err := url.Parse(at)
		require.NoError(t, err)
		u.User = url.User(user)
		opt.Dialect = e.dialect
		mine, err := orders.NewSQL(open(t, u.String()), opt)
		require.NoError(t, err)
		_, err = mine.Inspect(t.Context())
		require.NoError(t, err)
		require.NoError(t, mine.WriteImages(t.Context(), readOrder(t, mine, "1"), []string{"x"}))

		was := readOrder(t, mine, "1")
		exec(t, db, "REVOKE UPDATE (images) ON orders FROM "+user)
		err = mine.CheckSchema(t.Context())
		require.Equal(t, pipeline.Denied, pipeline.ClassOf(err), "%v", err)
		require.ErrorContains(t, err, "cannot be written")
		require.Equal(t, pipeline.Denied, pipeline.ClassOf(mine.WriteImages(t.Context(), was, nil)))
		exec(t, db, "REVOKE SELECT (images) ON orders FROM "+user)
		err = mine.CheckSchema(t.Context())
		require.Equal(t, pipeline.Denied, pipeline.ClassOf(err), "%v", err)
		require.ErrorContains(t, err, "cannot be read")
	})
}

// TestZone: a column without a time zone is written in that of the database, as the
// business's own statements do, and not in ours.
func TestZone(t *testing.T) {
	t.Parallel()
	servers(t, func(t *testing.T, e engine) {
		at := e.url(t)
		kind, zone, off := "timestamp", "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'Asia/Shanghai'); END $$",
			"SELECT EXTRACT(EPOCH FROM at - (clock_timestamp() AT TIME ZONE 'UTC'))::bigint FROM orders"
		if e.dialect == orders.MySQL {
			kind, zone, off = "DATETIME(6)", "SET GLOBAL time_zone = '+08:00'", "SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), at) FROM orders"
		}
		exec(t, open(t, at), zone)
		e.url = func(testing.TB) string { return at }
		s, db := e.shop(t, orders.Options{UpdatedAtColumn: "at"}, "CREATE TABLE orders (id VARCHAR(20) PRIMARY KEY, images TEXT, at "+kind+")",
			"INSERT INTO orders (id) VALUES ('1')")
		require.NoError(t, s.WriteImages(t.Context(), readOrder(t, s, "1"), []string{"x"}))
		var seconds int
		require.NoError(t, db.QueryRowContext(t.Context(), off).Scan(&seconds))
		require.InDelta(t, 8*60*60, seconds, 60)
	})
}

// TestUUIDKeys: a UUID is found as PostgreSQL writes it, and what is none is no order.
func TestUUIDKeys(t *testing.T) {
	t.Parallel()
	const id = "0b8c1de2-6f3a-4b57-9a43-5d1f0c9e7a11"
	s, _ := postgres().shop(t, orders.Options{}, "CREATE TABLE orders (id uuid PRIMARY KEY, images varchar(100)[])", "INSERT INTO orders VALUES ('"+id+"', '{a}')")
	require.NoError(t, s.WriteImages(t.Context(), readOrder(t, s, id), []string{"a", "b"}))
	require.Equal(t, []string{"a", "b"}, readOrder(t, s, id).Images)
	_, err := s.ReadOrder(t.Context(), strings.ToUpper(id))
	require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
	_, err = s.ReadOrder(t.Context(), "A12")
	require.Equal(t, pipeline.Waiting, pipeline.ClassOf(err))
}
