package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/afterput/afterput/pipeline/sqldb"
)

const (
	// roomName is the schema of PostgreSQL or the database of MySQL that the demo makes.
	roomName = "afterput_demo"
	// markTable is the table by which a room is known to be the demo's own.
	markTable = "afterput_demo_mark"
	// markFile follows the name of an SQLite file that is the demo's own.
	markFile = ".demo"
)

// room is what the demo makes in a database and removes as a whole, so that it touches
// nothing else there: a schema of PostgreSQL, a database of MySQL, a file of SQLite.
type room struct {
	engine sqldb.Dialect
	outer  string // the URL that was given
	url    string // of the room
	path   string // of an SQLite file
	name   string // for people
}

func roomIn(raw string) (*room, error) {
	engine, err := sqldb.EngineOf(raw)
	if err != nil {
		return nil, err
	}
	r := &room{engine: engine, outer: raw, url: raw}
	if engine == sqldb.SQLite {
		r.path = strings.TrimPrefix(raw, "sqlite://")
		r.name = "the file " + r.path
		return r, nil
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("the database URL cannot be read") // its own words may hold the password
	}
	if engine == sqldb.MySQL {
		u.Path, r.name = "/"+roomName, "the database "+roomName+" of "+u.Host
	} else {
		query := u.Query()
		query.Set("search_path", roomName)
		u.RawQuery, r.name = query.Encode(), "the schema "+roomName+" of "+u.Host+u.Path
	}
	r.url = u.String()
	return r, nil
}

// claim makes the room. Of two demos one gets it.
func (r *room) claim(ctx context.Context, mark string) error {
	there, made, err := r.look(ctx)
	switch {
	case err != nil:
		return err
	case made != "":
		return &TakenError{r.name + " is there already, of " + made, true}
	case there:
		return &TakenError{r.name + " is there already, and no demo made it", false}
	}
	switch r.engine {
	case sqldb.Postgres:
		return r.make(ctx, "SCHEMA", "GRANT CREATE ON DATABASE ... TO ...", mark)
	case sqldb.MySQL:
		return r.make(ctx, "DATABASE", "GRANT ALL ON "+roomName+".* TO ...", mark)
	case sqldb.SQLite:
	}
	f, err := os.OpenFile(r.path+markFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(mark)
	return errors.Join(err, f.Close())
}

// make makes a room on a server. Only one of two can.
func (r *room) make(ctx context.Context, kind, grant, mark string) error {
	if err := r.exec(ctx, "CREATE "+kind+" "+roomName); err != nil {
		return fmt.Errorf("the demo makes %s, and removes it again: %w (may the user? %s)", r.name, err, grant)
	}
	err := r.exec(ctx,
		"CREATE TABLE "+roomName+"."+markTable+" (made VARCHAR(255))",
		"INSERT INTO "+roomName+"."+markTable+" VALUES ("+quote(mark)+")")
	if err != nil {
		err = errors.Join(err, r.remove(context.WithoutCancel(ctx)))
	}
	return err
}

// quote writes a text into a statement of any engine; a mark needs no quotes of its own.
func quote(s string) string { return "'" + strings.NewReplacer("'", "", `\`, "").Replace(s) + "'" }

// clean removes the room where it bears a mark; what is not there needs no cleaning.
func (r *room) clean(ctx context.Context) error {
	there, made, err := r.look(ctx)
	if err != nil || !there {
		return err
	}
	if made == "" {
		return &TakenError{r.name + " is there, and no demo made it", false}
	}
	return r.remove(ctx)
}

// remove drops the room, whatever is in it.
func (r *room) remove(ctx context.Context) error {
	switch r.engine {
	case sqldb.Postgres:
		return r.exec(ctx, "DROP SCHEMA "+roomName+" CASCADE")
	case sqldb.MySQL:
		return r.exec(ctx, "DROP DATABASE "+roomName)
	case sqldb.SQLite:
	}
	var errs error
	for _, end := range []string{"", "-wal", "-shm", ".migrate", ".migrate-wal", ".migrate-shm", markFile} {
		if err := os.Remove(r.path + end); !errors.Is(err, fs.ErrNotExist) {
			errs = errors.Join(errs, err)
		}
	}
	return errs
}

// look tells whether the room is there, and what the mark of a demo in it says; "" where it
// bears none.
func (r *room) look(ctx context.Context) (there bool, made string, err error) {
	switch r.engine {
	case sqldb.Postgres:
		return r.ask(ctx, "SELECT nspname FROM pg_namespace WHERE nspname = '"+roomName+"'",
			"SELECT tablename FROM pg_tables WHERE schemaname = '"+roomName+"'")
	case sqldb.MySQL:
		return r.ask(ctx, "SELECT schema_name FROM information_schema.schemata WHERE schema_name = '"+roomName+"'",
			"SELECT table_name FROM information_schema.tables WHERE table_schema = '"+roomName+"'")
	case sqldb.SQLite:
	}
	// It is not opened: that would turn the file of somebody else to WAL.
	mark, err := os.ReadFile(r.path + markFile)
	if err == nil {
		return true, string(mark), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, "", err
	}
	_, err = os.Stat(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, "", nil
	}
	return true, "", err
}

// ask is look on a server.
func (r *room) ask(ctx context.Context, rooms, tables string) (there bool, made string, err error) {
	db, err := sqldb.Open(ctx, r.outer)
	if err != nil {
		return false, "", err
	}
	defer func() { _ = db.Close() }()
	var found, names, marks []string
	if err := db.NewRaw(rooms).Scan(ctx, &found); err != nil || len(found) == 0 {
		return false, "", err
	}
	if err := db.NewRaw(tables).Scan(ctx, &names); err != nil || !slices.Contains(names, markTable) {
		return true, "", err
	}
	if err := db.NewRaw("SELECT made FROM "+roomName+"."+markTable).Scan(ctx, &marks); err != nil {
		return true, "", err
	}
	return true, cmp.Or(strings.Join(marks, ", "), "a demo"), nil
}

func (r *room) exec(ctx context.Context, statements ...string) error {
	db, err := sqldb.Open(ctx, r.outer)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for _, s := range statements {
		if _, err := db.SQL().ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
