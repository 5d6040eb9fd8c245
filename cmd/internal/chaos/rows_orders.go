package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
)

func ordersRows() []Row {
	return []Row{{
		ID: "15", Name: "orders database away, busy, refusing; sessions ended, answers to COMMIT lost", Short: true, Files: 120,
		Ledgers: []string{Postgres, MariaDB, SQLite}, Redises: []string{Sentinel, Plain}, Break: ordersAway,
	}}
}

// ordersAway breaks the orders, and the ledger where it may, in one way after the other.
func ordersAway(ctx context.Context, b *Bench) error {
	b.gen.onlyPhotos = true // a file that is not there takes its own time
	if _, err := b.Both(ctx); err != nil {
		return err
	}
	harms := []func(context.Context) error{b.endSessions, b.loseCommits, b.refuseWrites, b.shopAway}
	if b.servers == nil {
		harms = []func(context.Context) error{b.shopBusy}
	}
	for _, harm := range harms {
		wait := b.Sending(ctx, b.Files/len(harms))
		if err := b.attaching(ctx); err != nil {
			return err
		}
		if err := harm(ctx); err != nil {
			return err
		}
		b.Mended()
		if err := wait(); err != nil {
			return err
		}
	}
	return nil
}

// attaching waits until attaches are wanted.
func (b *Bench) attaching(ctx context.Context) error {
	return until(ctx, time.Minute, "files wait for their orders", func() bool {
		n, err := b.count(ctx, "SELECT COUNT(*) FROM upload_steps WHERE step = 'attach' AND state = 'pending'")
		return err == nil && n > 0
	})
}

// endSessions lets the server end every session of afterput, again and again.
func (b *Bench) endSessions(ctx context.Context) error {
	for range 10 {
		for _, s := range []struct {
			db   *sqldb.DB
			line *sqldbtest.Line
		}{{b.shop, b.servers.shop}, {b.ledger, b.servers.ledger}} {
			for _, port := range s.line.Ports() {
				n, err := b.endSession(ctx, s.db, port)
				if err != nil {
					return err
				}
				b.Fired("sessions", n)
			}
		}
		pause(ctx, 200*time.Millisecond)
	}
	return b.showed("sessions")
}

// endSession ends the one that comes from a port, if it is still there.
func (b *Bench) endSession(ctx context.Context, db *sqldb.DB, port int) (n int, err error) {
	if b.On.Ledger == Postgres {
		err = db.QueryRowContext(ctx, `SELECT COUNT(*) FROM
			(SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE client_port = ?) AS s WHERE ended`, port).Scan(&n)
		return n, err
	}
	var ids []int64
	err = db.NewRaw("SELECT id FROM information_schema.processlist WHERE host LIKE ?", fmt.Sprintf("%%:%d", port)).Scan(ctx, &ids)
	for _, id := range ids {
		if _, kerr := db.ExecContext(ctx, "KILL ?", id); kerr == nil { // it may have ended by itself
			n++
		}
	}
	return n, err
}

// loseCommits loses answers to COMMITs, and COMMITs, of both databases.
func (b *Bench) loseCommits(ctx context.Context) error {
	for _, l := range []*sqldbtest.Line{b.servers.shop, b.servers.ledger} {
		for name, lose := range map[string]func(int){"commit answers": l.LoseAnswers, "commits": l.LoseQuestions} {
			before := l.Broke()
			lose(2)
			if err := until(ctx, time.Minute, "two COMMITs lose their "+name, func() bool { return l.Broke() >= before+2 }); err != nil {
				return errors.Join(errPart, err)
			}
			b.Fired(name, 2)
		}
	}
	return nil
}

// refuseWrites lets the server answer updates as it does when transactions lose against
// others. Sequences are not rolled back, so they know how often it did.
func (b *Bench) refuseWrites(ctx context.Context) error {
	for db, table := range map[*sqldb.DB]string{b.shop: "orders", b.ledger: "upload_steps"} {
		set, count, clear := refusal(b.On.Ledger, table)
		if err := each(ctx, db, set...); err != nil {
			return err
		}
		n := 0
		err := until(ctx, time.Minute, "updates of "+table+" are refused", func() bool {
			err := db.QueryRowContext(ctx, count).Scan(&n)
			return err == nil && n >= 3
		})
		if err != nil {
			return errors.Join(errPart, err)
		}
		pause(ctx, 500*time.Millisecond)
		if err := db.QueryRowContext(ctx, count).Scan(&n); err != nil {
			return err
		}
		b.Fired("refused "+table, n)
		if err := each(ctx, db, clear...); err != nil {
			return err
		}
	}
	return nil
}

// refusal gives the statements that let four of ten updates of a table lose, count them and
// end it.
func refusal(engine, table string) (set []string, count string, clear []string) {
	if engine == Postgres {
		return []string{
			"CREATE SEQUENCE refused",
			`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
				BEGIN
					IF random() < 0.4 THEN
						PERFORM nextval('refused');
						IF random() < 0.5 THEN
							RAISE EXCEPTION 'could not serialize access due to concurrent update' USING ERRCODE = '40001';
						END IF;
						RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01';
					END IF;
					RETURN NEW;
				END $$`,
			"CREATE TRIGGER refuse BEFORE UPDATE ON " + table + " FOR EACH ROW EXECUTE FUNCTION refuse()",
		}, "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM refused", []string{"DROP TRIGGER refuse ON " + table}
	}
	return []string{
		"CREATE SEQUENCE refused NOCACHE",
		"CREATE TRIGGER refuse BEFORE UPDATE ON " + table + ` FOR EACH ROW
			BEGIN
				DECLARE n BIGINT;
				IF RAND() < 0.4 THEN
					SET n = NEXTVAL(refused);
					SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'Deadlock found when trying to get lock';
				END IF;
			END`,
	}, "SELECT next_not_cached_value - 1 FROM refused", []string{"DROP TRIGGER refuse"}
}

// shopAway cuts the line to the orders, for a minute in the long form.
func (b *Bench) shopAway(ctx context.Context) error {
	away := 4 * time.Second
	if b.Long {
		away = time.Minute
	}
	b.servers.shop.Cut()
	defer b.servers.shop.Join()
	if err := b.attachesFail(ctx); err != nil {
		return err
	}
	pause(ctx, away)
	b.Fired("away", 1)
	return nil
}

// shopBusy holds SQLite's write lock until an attach has given up on it.
func (b *Bench) shopBusy(ctx context.Context) error {
	tx, err := b.shop.SQL().BeginTx(ctx, nil) // BEGIN IMMEDIATE
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := b.attachesFail(ctx); err != nil {
		return err
	}
	b.Fired("busy", 1)
	return nil
}

// attachesFail waits until an attach has failed for want of its database.
func (b *Bench) attachesFail(ctx context.Context) error {
	const query = "SELECT COUNT(*) FROM attempts WHERE step = 'attach' AND class = 'transient'"
	before, err := b.count(ctx, query)
	if err != nil {
		return err
	}
	err = until(ctx, time.Minute, "an attach fails", func() bool {
		n, err := b.count(ctx, query)
		return err == nil && n > before
	})
	if err != nil {
		return errors.Join(errPart, err)
	}
	return nil
}

// showed is an error where a fault never fired.
func (b *Bench) showed(name string) error {
	if b.hits()[name] == 0 {
		return fmt.Errorf("%s: %w", name, errPart)
	}
	return nil
}

// forgetful is a database that acknowledges writes to some orders and keeps the old array.
func forgetful(ctx context.Context, b *Bench) error {
	if err := each(ctx, b.shop, map[string][]string{
		SQLite: {`CREATE TRIGGER forget AFTER UPDATE OF images ON orders WHEN NEW.id LIKE '%3'
			BEGIN UPDATE orders SET images = OLD.images WHERE id = NEW.id; END`},
		Postgres: {
			"CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.images = OLD.images; RETURN NEW; END'",
			"CREATE TRIGGER forget BEFORE UPDATE ON orders FOR EACH ROW WHEN (NEW.id LIKE '%3') EXECUTE FUNCTION forget()",
		},
		MariaDB: {`CREATE TRIGGER forget BEFORE UPDATE ON orders FOR EACH ROW
			BEGIN IF NEW.id LIKE '%3' THEN SET NEW.images = OLD.images; END IF; END`},
	}[b.On.Ledger]...); err != nil {
		return err
	}
	b.gen.onlyPhotos = true
	if err := b.SendAll(ctx); err != nil {
		return err
	}
	n := 0
	err := b.shop.QueryRowContext(ctx, "SELECT COUNT(*) FROM orders WHERE id LIKE '%3'").Scan(&n)
	b.Fired("forgotten", n)
	return err
}
