package cli

import (
	"errors"
	"os"
	"strings"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/demo"
)

// databaseEnv and redisEnv name servers for the demo; with _FILE at the end, a file with
// the address. Addresses hold passwords, so that no flag takes them.
const (
	databaseEnv = "AFTERPUT_DATABASE_URL"
	redisEnv    = "AFTERPUT_REDIS_"
)

const demoServersHelp = `It runs on real servers where the environment names them: AFTERPUT_DATABASE_URL, as
ledger.url has it, for ledger and orders, and AFTERPUT_REDIS_URL with whatever else begins
with AFTERPUT_REDIS_, as the configuration has it. AFTERPUT_DATABASE_URL_FILE and
AFTERPUT_REDIS_URL_FILE name files with the address. A configuration file is not read. The
demo touches nothing that is there: it makes the schema (PostgreSQL) or the database (MySQL,
MariaDB) afterput_demo, or an SQLite file that is not there yet; a database of Redis that
holds keys of asynq or afterput it refuses, and other keys in it it leaves alone. At its end
it removes what it made, unless the report does not hold or with --keep; --clean removes
that, and what a demo left that was killed.`

// demoServers reads from the environment which servers the demo runs on.
func (a *app) demoServers() (demo.Servers, error) {
	ledger, named := config.EnvName("ledger.url"), false
	var environ []string
	for _, kv := range a.environ {
		name, value, _ := strings.Cut(kv, "=")
		end, database := strings.CutPrefix(name, databaseEnv)
		switch {
		case database && (end == "" || end == "_FILE"):
			environ, named = append(environ, ledger+end+"="+value), named || value != ""
		case strings.HasPrefix(name, redisEnv):
			environ = append(environ, kv)
		}
	}
	cfg, err := config.Load(config.Options{Path: os.DevNull, Environ: environ})
	if wrong, ok := errors.AsType[*config.Error](err); ok {
		for i := range wrong.Findings {
			f := &wrong.Findings[i]
			f.Where = strings.Replace(f.Where, ledger, databaseEnv, 1)
		}
	}
	if err != nil {
		return demo.Servers{}, err
	}
	s := demo.Servers{Redis: cfg.Redis}
	if named {
		s.Database = cfg.Ledger.URL
	}
	return s, nil
}

// demoError gives a server that is in use its exit code.
func demoError(err error) error {
	taken, ok := errors.AsType[*demo.TakenError](err)
	if !ok {
		return err
	}
	hint := "the demo mixes with nothing that is there: name another one"
	if taken.Ours {
		hint = "wait for its end, or remove what it left: afterput demo --clean"
	}
	return failf(exitConflict, "taken", hint, "%w", err)
}
