package chaos

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/sqldb"
)

// outside is what a run has left, read by SQL, by the bucket's listing and from the
// webhooks. Each part is also written into the run's folder, for whoever counts again.
type outside struct {
	// orders.jsonl: the array of each order.
	orders map[string][]string
	// uploads.jsonl, by key.
	uploads map[string]upload
	// letters.jsonl, by upload ID.
	letters map[string][]letter
	// bucket.txt: every key.
	bucket []string
	// hooks.jsonl: the outcome of the highest revision, by upload ID.
	told map[string]pipeline.Outcome
	// twice are webhook-ids that came with two bodies.
	twice int
}

type upload struct {
	ID     string          `json:"id"`
	Key    string          `json:"key"`
	Reason string          `json:"reason,omitempty"`
	State  pipeline.State  `json:"state"`
	Steps  map[string]step `json:"steps"`
}

type step struct {
	State pipeline.StepState `json:"state"`
	Code  string             `json:"code,omitempty"`
}

type letter struct {
	Upload string `json:"upload"`
	Step   string `json:"step"`
	Scope  string `json:"scope,omitempty"`
	Class  string `json:"class"`
	State  string `json:"state"`
	Error  string `json:"error"`
}

func (l letter) open() bool { return l.State == "open" || l.State == "replayed" }

// look reads what is there.
func (b *Bench) look(ctx context.Context) (*outside, error) {
	o := &outside{
		orders: map[string][]string{}, uploads: map[string]upload{}, letters: map[string][]letter{},
		bucket: b.World.COS.Keys(), told: map[string]pipeline.Outcome{}, twice: b.World.Hooks.Changed(),
	}
	for _, read := range []func(context.Context, *outside) error{b.lookOrders, b.lookUploads, b.lookLetters} {
		if err := read(ctx, o); err != nil {
			return nil, err
		}
	}
	for _, d := range b.World.Hooks.Received() {
		if d.Type != pipeline.OrderUpdated && d.Outcome.Revision > o.told[d.Outcome.UploadID].Revision {
			o.told[d.Outcome.UploadID] = d.Outcome
		}
	}
	return o, b.keep(o, b.World.Hooks.Received())
}

func (b *Bench) lookOrders(ctx context.Context, o *outside) error {
	return scan(ctx, b.shop, "SELECT id, images FROM orders ORDER BY id", func(rows *sql.Rows) error {
		var id, raw string
		if err := rows.Scan(&id, &raw); err != nil {
			return err
		}
		var images []string
		err := json.Unmarshal([]byte(raw), &images)
		o.orders[id] = images
		return err
	})
}

func (b *Bench) lookUploads(ctx context.Context, o *outside) error {
	records := map[string][]pipeline.StepRecord{}
	err := scan(ctx, b.ledger, `SELECT u.id, u.object_key, u.reason, s.step, s.scope, s.state, s.code
		FROM uploads u LEFT JOIN upload_steps s ON s.upload_id = u.id`, func(rows *sql.Rows) error {
		var (
			u    upload
			name string
			st   pipeline.StepRecord
		)
		if err := rows.Scan(&u.ID, &u.Key, &u.Reason, &name, &st.Scope, &st.State, &st.Code); err != nil {
			return err
		}
		st.Step = pipeline.Step(name)
		records[u.ID] = append(records[u.ID], st)
		u.Steps = map[string]step{}
		if was, ok := o.uploads[u.Key]; ok {
			u = was
		}
		u.Steps[strings.TrimSuffix(name+":"+st.Scope, ":")] = step{st.State, string(st.Code)}
		u.State = pipeline.DeriveState(pipeline.Code(u.Reason), records[u.ID])
		o.uploads[u.Key] = u
		return nil
	})
	return err
}

func (b *Bench) lookLetters(ctx context.Context, o *outside) error {
	return scan(ctx, b.ledger, "SELECT upload_id, step, scope, class, state, error FROM dead_letters", func(rows *sql.Rows) error {
		var l letter
		if err := rows.Scan(&l.Upload, &l.Step, &l.Scope, &l.Class, &l.State, &l.Error); err != nil {
			return err
		}
		o.letters[l.Upload] = append(o.letters[l.Upload], l)
		return nil
	})
}

func scan(ctx context.Context, db *sqldb.DB, query string, row func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := row(rows); err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
	}
	return rows.Err()
}

// keep writes what was seen into the run's folder.
func (b *Bench) keep(o *outside, hooks []devworld.Delivery) error {
	var orders, uploads, letters, told strings.Builder
	for id, images := range o.orders {
		line(&orders, map[string]any{"order": id, "images": images})
	}
	for _, u := range o.uploads {
		line(&uploads, u)
	}
	for _, all := range o.letters {
		for _, l := range all {
			line(&letters, l)
		}
	}
	for _, d := range hooks {
		line(&told, map[string]any{"id": d.ID, "type": d.Type, "data": d.Outcome})
	}
	for name, text := range map[string]string{
		"orders.jsonl": orders.String(), "uploads.jsonl": uploads.String(), "letters.jsonl": letters.String(),
		"hooks.jsonl": told.String(), "bucket.txt": strings.Join(o.bucket, "\n") + "\n",
	} {
		if err := os.WriteFile(filepath.Join(b.Dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func line(b *strings.Builder, v any) {
	raw, _ := json.Marshal(v) // of plain structs and maps: never fails
	b.Write(raw)
	b.WriteByte('\n')
}
