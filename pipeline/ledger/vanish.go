package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// missedBeats is how old the last sign of life of a worker is when the attempt that it
// left open counts as unfinished because the worker vanished. Workers sign in every 5
// seconds, and a task comes back from a worker 11 seconds after its death at the
// earliest. A worker that only slept accuses its attempts wrongly, which does no harm:
// a suspect is made with more care, that is all.
const missedBeats = 8 * time.Second

// closeOpen ends the attempts of a run that are still open, as interrupted: their
// worker vanished or will find itself superseded.
func closeOpen(ctx context.Context, tx bun.Tx, run pipeline.Run, worker string, now time.Time) error {
	_, err := tx.NewUpdate().Model((*attemptRow)(nil)).
		Set("ended_at = ?, class = ?, error = ?", int64(at(now)), string(pipeline.Interrupted), "the worker gave no result").
		Set(`vanished = (worker <> ? AND NOT EXISTS (
			SELECT 1 FROM workers w WHERE w.id = worker AND w.seen_at > ?))`, worker, int64(at(now.Add(-missedBeats)))).
		Where("upload_id = ? AND step = ? AND scope = ? AND gen = ? AND ended_at = 0",
			run.UploadID, string(run.Step), run.Scope, run.Gen).Exec(ctx)
	return err
}

// suspect tells whether a step may be what kills the workers that run it: an attempt of
// it was left unfinished by a worker that vanished, or it was found to be poison. Runs of
// every gen count, for a replay runs the same bytes.
func suspect(ctx context.Context, tx bun.Tx, run pipeline.Run) (bool, error) {
	return tx.NewSelect().Model((*attemptRow)(nil)).
		Where("upload_id = ? AND step = ? AND scope = ?", run.UploadID, string(run.Step), run.Scope).
		Where("(vanished = TRUE OR class = ?)", string(pipeline.Poison)).Exists(ctx)
}
