package sqldbtest

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	_ "github.com/go-sql-driver/mysql" // the database/sql driver "mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the database/sql driver "pgx"
)

// Each runs a test on every engine, as subtests sqlite, postgres and mariadb, with the URL
// of an empty database.
func Each(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	for _, engine := range []struct {
		name string
		url  func(testing.TB) string
	}{{"sqlite", SQLite}, {"postgres", Postgres}, {"mariadb", MariaDB}} {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			test(t, engine.url(t))
		})
	}
}

// SQLite gives the URL of a file that does not exist yet, in a folder of the test.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite://" + filepath.Join(t.TempDir(), "test.db")
}

// Postgres gives the URL of an empty database on a real PostgreSQL, whose default collation
// is English, so that nothing sorts by bytes unless it says so. It goes with the test.
func Postgres(t testing.TB) string {
	t.Helper()
	port, name := postgres.database(t, "")
	return postgresURL(port, name)
}

// MariaDB gives the URL of an empty database on a real MariaDB, whose default collation
// does not tell A from a. It goes with the test.
func MariaDB(t testing.TB) string {
	t.Helper()
	port, name := mariaDB.database(t, " CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
	return fmt.Sprintf("mysql://afterput:p%%40ss@127.0.0.1:%d/%s", port, name)
}

func postgresURL(port int, name string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", port, name)
}

var postgres = &server{ //nolint:gochecknoglobals // one per test process by its nature
	name: "postgres", account: "postgres", hint: "apt-get install postgresql, or make test",
	find: func() (string, error) {
		return program("postgres", "/usr/lib/postgresql/*/bin/postgres")
	},
	prepare: func(program, dir string) [][]string {
		real, err := filepath.EvalSymlinks(program) // initdb lies beside it
		if err != nil {
			real = program
		}
		return [][]string{{
			filepath.Join(filepath.Dir(real), "initdb"), "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "trust",
			"--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en", "--no-sync",
		}}
	},
	command: func(program, dir string, port int) []string {
		return []string{
			program, "-D", filepath.Join(dir, "data"), "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", dir,
			"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=400", "-c", "deadlock_timeout=100ms",
		}
	},
	driver: "pgx", where: "SHOW data_directory", drop: "DROP DATABASE %s WITH (FORCE)",
	dsn: func(port int, database string) string {
		if database == "" {
			database = "postgres"
		}
		return postgresURL(port, database)
	},
}

var mariaDB = &server{ //nolint:gochecknoglobals // one per test process by its nature
	name: "mariadb", account: "mysql", hint: "apt-get install mariadb-server, or make test",
	find: func() (string, error) {
		// A script that needs the tools of an ordinary PATH.
		if _, err := exec.LookPath("mariadb-install-db"); err != nil {
			return "", err
		}
		return program("mariadbd", "/usr/sbin/mariadbd")
	},
	prepare: func(_, dir string) [][]string {
		// An init file holds one statement on each line; it runs again with each start.
		const users = "CREATE OR REPLACE USER afterput@'%' IDENTIFIED BY 'p@ss';\nGRANT ALL ON *.* TO afterput@'%' WITH GRANT OPTION;"
		return [][]string{
			{
				// A tmpdir of its own: a server that starts removes what it takes for left over there,
				// and other tests start servers.
				"mariadb-install-db", "--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--tmpdir=" + dir,
				"--skip-test-db", "--skip-name-resolve",
			},
			{"sh", "-c", `printf '%s\n' "$1" >users.sql`, "sh", users},
		}
	},
	command: func(program, dir string, port int) []string {
		return []string{
			program, "--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--tmpdir=" + dir, "--bind-address=127.0.0.1", "--port=" + strconv.Itoa(port),
			"--socket=" + filepath.Join(dir, "sock"), "--pid-file=" + filepath.Join(dir, "mariadbd.pid"),
			"--init-file=" + filepath.Join(dir, "users.sql"), "--skip-name-resolve", "--skip-log-bin", "--max-connections=400",
			"--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--skip-innodb-doublewrite",
			"--innodb-file-per-table=0", "--innodb-buffer-pool-size=64M",
		}
	},
	driver: "mysql", where: "SELECT @@datadir", drop: "DROP DATABASE %s",
	dsn: func(port int, database string) string {
		return fmt.Sprintf("afterput:p@ss@tcp(127.0.0.1:%d)/%s", port, database)
	},
}

// program looks a program up on the PATH and where Debian puts it.
func program(name, pattern string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	found, err := filepath.Glob(pattern)
	if err == nil && len(found) == 0 {
		err = errors.New(name + " is not installed")
	}
	if err != nil {
		return "", err
	}
	return found[len(found)-1], nil
}
