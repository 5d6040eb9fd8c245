package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/sqldb"
)

// ledgerTimeout is how long the ledger may take to answer everything.
const ledgerTimeout = 15 * time.Second

// Ledger checks the database of the record.
type Ledger struct {
	// Open opens what is there, without a migration. The check closes it.
	Open func(ctx context.Context) (*sqldb.DB, *ledger.Ledger, error)
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Name is ledger.
func (Ledger) Name() string { return "ledger" }

// Run asks the database, and writes one row that it takes back.
func (c Ledger) Run(ctx context.Context) []Finding {
	ctx, cancel := context.WithTimeout(ctx, ledgerTimeout)
	defer cancel()
	db, book, err := c.Open(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return []Finding{{Fail, "there is no ledger: " + err.Error(), "afterput migrate up makes it, and so do serve and worker; or correct ledger.url"}}
	}
	if err != nil {
		return []Finding{{
			Fail, err.Error(), "is the database up, and is ledger.url right? afterput config show --origin tells where it comes from",
		}}
	}
	defer func() { _ = db.Close() }()
	health, err := db.Health(ctx)
	if err != nil {
		return []Finding{{Fail, err.Error(), "look into the log of the database"}}
	}
	findings := append([]Finding{ledgerVersion(db.Engine, health.Version)}, c.schema(ctx, book)...)
	if db.Engine == sqldb.SQLite {
		return append(findings, ledgerFile(health)...)
	}
	return append(findings, c.clock(ctx, db), durable(health))
}

// schema compares the migrations, and writes only where none is missing.
func (c Ledger) schema(ctx context.Context, book *ledger.Ledger) []Finding {
	list, err := book.Migrations(ctx)
	if err != nil {
		return []Finding{{Fail, err.Error(), "let the user read the tables of the ledger"}}
	}
	var pending, newer []string
	for _, m := range list {
		switch {
		case m.AppliedAt.IsZero():
			pending = append(pending, m.File)
		case m.File == "":
			newer = append(newer, strconv.FormatInt(m.Version, 10))
		}
	}
	if len(pending) > 0 {
		return []Finding{{
			Fail, fmt.Sprintf("%d of %d migrations are pending: %s", len(pending), len(list), strings.Join(pending, ", ")),
			"afterput migrate up; serve and worker do so when they start, where their user may",
		}}
	}
	findings := []Finding{{Level: OK, What: fmt.Sprintf("the schema is that of version %d", list[len(list)-1].Version)}}
	if len(newer) > 0 {
		findings[0] = Finding{
			Warn, "a newer afterput has changed the schema: " + strings.Join(newer, ", ") + " are not known here", "bring this machine to the same version",
		}
	}
	if err := book.Rehearse(ctx); err != nil {
		return append(findings, Finding{
			Fail, "the ledger takes no writes: " + err.Error(),
			"let ledger.url name the primary and no replica, grant the user its tables, and see that its disk has room",
		})
	}
	return append(findings, Finding{Level: OK, What: "it takes writes"})
}

// clock compares our clock with that of the server.
func (c Ledger) clock(ctx context.Context, db *sqldb.DB) Finding {
	now := c.Now
	if now == nil {
		now = time.Now
	}
	skew, err := apart(now, func() (time.Time, error) { return db.Clock(ctx) })
	if err != nil {
		return Finding{Skip, "the clocks cannot be compared: " + err.Error(), "compare them by hand"}
	}
	return clocks(skew, 0, "the database")
}

// durable tells of settings under which the record may forget.
func durable(h sqldb.Health) Finding {
	if len(h.Lax) == 0 {
		return Finding{Level: OK, What: "what it commits lasts"}
	}
	return Finding{
		Warn, "what it commits may be lost when its machine fails: " + strings.Join(h.Lax, ", "),
		"the ledger is the record of every upload: set them back to their defaults",
	}
}

// ledgerVersion compares the version with the oldest one that the ledger works on.
func ledgerVersion(engine sqldb.Dialect, version string) Finding {
	name, oldest := "SQLite", ""
	switch {
	case engine == sqldb.Postgres:
		name, oldest = "PostgreSQL", "13"
	case engine == sqldb.MySQL && strings.Contains(version, "MariaDB"):
		// Some proxies show the version behind one that very old clients believe in.
		name, oldest, version = "MariaDB", "10.5", strings.Replace(strings.TrimPrefix(version, "5.5.5-"), "-MariaDB", "", 1)
	case engine == sqldb.MySQL:
		name, oldest = "MySQL", "8.0.13"
	}
	if oldest != "" && older(version, oldest) {
		return Finding{Fail, name + " " + version + " is too old", "upgrade to " + name + " " + oldest + " or later"}
	}
	return Finding{Level: OK, What: name + " " + version}
}

// older compares the numbers that versions begin with: 8.0.13, 10.11.6-MariaDB.
func older(version, than string) bool {
	return slices.Compare(numbers(version), numbers(than)) < 0
}

func numbers(version string) []int {
	list := make([]int, 3)
	for i, part := range strings.SplitN(version, ".", 3) {
		end := strings.IndexFunc(part, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(part)
		}
		n, err := strconv.Atoi(part[:end])
		if err != nil {
			break
		}
		list[i] = n
		if end < len(part) {
			break
		}
	}
	return list
}
