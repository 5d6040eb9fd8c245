package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

type endpointRow struct {
	Name       string `bun:"name"`
	DisabledAt micros `bun:"disabled_at"`
	Why        string `bun:"why"`
}

func (r *endpointRow) endpoint() pipeline.Endpoint {
	return pipeline.Endpoint{Name: r.Name, DisabledAt: r.DisabledAt.time(), Why: r.Why}
}

// Endpoint tells what the ledger knows of a receiver of webhooks. One that it does not
// know is enabled.
func (l *Ledger) Endpoint(ctx context.Context, name string) (pipeline.Endpoint, error) {
	row := endpointRow{Name: name}
	err := l.db.NewRaw("SELECT * FROM endpoints WHERE name = ?", name).Scan(ctx, &row)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return row.endpoint(), classed("endpoint", err)
}

// DisabledEndpoints lists the receivers that are disabled, by name.
func (l *Ledger) DisabledEndpoints(ctx context.Context) ([]pipeline.Endpoint, error) {
	var rows []endpointRow
	err := l.db.NewRaw("SELECT * FROM endpoints ORDER BY name").Scan(ctx, &rows)
	out := make([]pipeline.Endpoint, 0, len(rows))
	for i := range rows {
		out = append(out, rows[i].endpoint())
	}
	return out, classed("disabledEndpoints", err)
}

// DisableEndpoint records that nothing is to be sent to a receiver any more, and why. One
// that is disabled keeps its first time and reason.
func (l *Ledger) DisableEndpoint(ctx context.Context, name, why string) error {
	return l.write(ctx, "disableEndpoint", func(ctx context.Context, tx bun.Tx) error {
		now := at(l.now())
		var known int
		if err := tx.NewRaw("SELECT COUNT(*) FROM endpoints WHERE name = ?", name).Scan(ctx, &known); err != nil || known > 0 {
			return err
		}
		if _, err := tx.NewRaw("INSERT INTO endpoints (name, disabled_at, why) VALUES (?, ?, ?)",
			name, int64(now), text(why, maxError)).Exec(ctx); err != nil {
			return err
		}
		return record(ctx, tx, &operationRow{At: now, Who: "worker", What: "disable", Filter: "endpoint " + name, Note: why, Counts: "1"})
	})
}

// EnableEndpoint has a receiver get webhooks again, in the name of who. changed is false
// where it was not disabled.
func (l *Ledger) EnableEndpoint(ctx context.Context, name, who, note string) (changed bool, err error) {
	err = l.write(ctx, "enableEndpoint", func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewRaw("DELETE FROM endpoints WHERE name = ?", name).Exec(ctx)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if changed = n > 0; err != nil || !changed {
			return err
		}
		return record(ctx, tx, &operationRow{At: at(l.now()), Who: who, What: "enable", Filter: "endpoint " + name, Note: note, Counts: "1"})
	})
	return changed, err
}

// WaitsSince tells when the first attempt of a run began or, where there was none, when it
// might have; zero where the ledger has no such run.
func (l *Ledger) WaitsSince(ctx context.Context, run pipeline.Run) (time.Time, error) {
	var since int64
	err := l.db.NewRaw(`SELECT COALESCE((SELECT MIN(a.started_at) FROM attempts a WHERE a.upload_id = s.upload_id
			AND a.step = s.step AND a.scope = s.scope AND a.gen = s.gen), s.ready_at)
		FROM upload_steps s WHERE s.upload_id = ? AND s.step = ? AND s.scope = ? AND s.gen = ?`,
		run.UploadID, string(run.Step), run.Scope, run.Gen).Scan(ctx, &since)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return micros(since).time(), classed("waitsSince", err)
}
