package regenerate_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/producer/regenerate"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const bucket = "photos-1250000000"

var (
	small = pipeline.Preset{Name: "small", Width: 160, Height: 160}
	large = pipeline.Preset{Name: "large", Width: 1280, Height: 1280}
)

// always gives every bucket the same presets.
func always(presets ...pipeline.Preset) func(string) []pipeline.Preset {
	return func(string) []pipeline.Preset { return presets }
}

type world struct {
	t     *testing.T
	l     *ledger.Ledger
	queue *tasks.Enqueuer
	clock *ledgertest.Clock
}

// newWorld has four photos whose small thumbnail is made, one that the engine cannot
// decode, one that is rejected, and one whose thumbnails are on their way.
func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := sqldb.Create(t.Context(), ledgertest.SQLite(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	w := &world{t: t, clock: ledgertest.NewClock()}
	w.l, err = ledger.New(ledger.Options{DB: db, Now: w.clock.Now})
	require.NoError(t, err)
	w.queue = tasks.NewEnqueuer(redistest.Client(t, redistest.Mini(t)), nil, nil)

	for _, key := range []string{"users/a/1.jpg", "users/a/2.jpg", "users/b/1.jpg", "users/b/2.jpg"} {
		w.check(key, "")
		w.thumbnail(key, pipeline.StepResult{State: pipeline.Done, Result: pipeline.ThumbnailResult{
			ETag: "e", Specs: map[string]string{"small": small.Spec()},
		}})
	}
	w.check("users/a/skipped.heic", "")
	w.thumbnail("users/a/skipped.heic", pipeline.StepResult{State: pipeline.Skipped})
	w.check("users/a/corrupt.jpg", "")
	w.thumbnail("users/a/corrupt.jpg", pipeline.StepResult{State: pipeline.Done, Code: pipeline.CodeCorruptFile})
	w.check("users/a/rejected.jpg", pipeline.CodeTooLarge)
	w.check("users/a/pending.jpg", "")
	return w
}

func (w *world) begin(key string, step pipeline.Step) *ledger.OpenAttempt {
	w.t.Helper()
	id := pipeline.UploadID(bucket, key)
	steps, err := w.l.Steps(w.t.Context(), id)
	require.NoError(w.t, err)
	for _, s := range steps {
		if s.Step == step {
			a, err := w.l.Begin(w.t.Context(), pipeline.Run{UploadID: id, Step: step, Gen: s.Gen}, "w1", time.Minute)
			require.NoError(w.t, err)
			return a
		}
	}
	require.FailNow(w.t, "no such step")
	return nil
}

func (w *world) check(key string, code pipeline.Code) {
	w.t.Helper()
	_, err := w.l.Announce(w.t.Context(), "", []pipeline.Announcement{{Bucket: bucket, Key: key}})
	require.NoError(w.t, err)
	_, err = w.l.Finish(w.t.Context(), w.begin(key, pipeline.StepCheck), pipeline.StepResult{
		State: pipeline.Done, Code: code,
		Content: &pipeline.Content{ETag: "e", Size: 1, Visibility: pipeline.Private, Facts: pipeline.Facts{Type: "image/jpeg"}},
	})
	require.NoError(w.t, err)
}

func (w *world) thumbnail(key string, res pipeline.StepResult) {
	w.t.Helper()
	_, err := w.l.Finish(w.t.Context(), w.begin(key, pipeline.StepThumbnail), res)
	require.NoError(w.t, err)
}

// run gives the keys that were found, with the report.
func (w *world) run(p regenerate.Plan, c regenerate.Controls) (map[string]regenerate.Finding, regenerate.Report) {
	w.t.Helper()
	found := map[string]regenerate.Finding{}
	c.Found = func(f regenerate.Finding) error { found[f.Key] = f; return nil }
	report, err := regenerate.Run(w.t.Context(), w.l, w.queue, p, c)
	require.NoError(w.t, err)
	require.Len(w.t, found, report.Found)
	return found, report
}

func TestRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	both := always(small, large)
	_, report := w.run(regenerate.Plan{Presets: always(small), Apply: true}, regenerate.Controls{})
	require.Equal(t, regenerate.Report{Scanned: 4, UpToDate: 4}, report)

	dry, report := w.run(regenerate.Plan{Presets: both, Prefix: "users/a/"}, regenerate.Controls{})
	require.Equal(t, regenerate.Report{Scanned: 2, Found: 2}, report)
	require.Equal(t, []string{"large"}, dry["users/a/1.jpg"].Presets)
	require.False(t, dry["users/a/1.jpg"].Wished)

	_, report = w.run(regenerate.Plan{Presets: both, Bucket: "other-1"}, regenerate.Controls{})
	require.Equal(t, regenerate.Report{}, report)
	_, report = w.run(regenerate.Plan{Presets: both, OlderThan: w.clock.Now().Add(-time.Hour)}, regenerate.Controls{})
	require.Equal(t, regenerate.Report{}, report, "all of them are younger")

	_, report = w.run(regenerate.Plan{Presets: both, Apply: true}, regenerate.Controls{Limit: 1, Who: "me"})
	require.Equal(t, regenerate.Report{Scanned: 2, Found: 1, Wished: 1, Limited: true}, report)
	op, err := w.l.Operation(t.Context(), 2)
	require.NoError(t, err)
	require.Equal(t, "me", op.Who)
	require.JSONEq(t, `{"scanned":2,"upToDate":0,"found":1,"wished":1,"limited":true}`, op.Counts)

	rest, report := w.run(regenerate.Plan{Presets: both, Apply: true}, regenerate.Controls{Rate: 1000})
	require.Equal(t, regenerate.Report{Scanned: 3, Found: 3, Wished: 3}, report, "the first is pending")
	for key := range rest {
		a := w.begin(key, pipeline.StepThumbnail)
		require.JSONEq(t, `{"thumbnails":null,"etag":"e","specs":{"small":"`+small.Spec()+`"}}`, string(a.Kept))
		_, err := w.l.Finish(t.Context(), a, pipeline.StepResult{State: pipeline.Done, Result: pipeline.ThumbnailResult{
			ETag: "e", Specs: map[string]string{"small": small.Spec(), "large": large.Spec()},
		}})
		require.NoError(t, err)
	}
	_, report = w.run(regenerate.Plan{Presets: both, Apply: true}, regenerate.Controls{})
	require.Equal(t, regenerate.Report{Scanned: 3, UpToDate: 3}, report)
}

func TestForce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	found, report := w.run(regenerate.Plan{Presets: always(small), Force: true, Apply: true}, regenerate.Controls{})
	require.Equal(t, 5, report.Wished)
	require.True(t, found["users/a/skipped.heic"].Wished)
	require.NotContains(t, found, "users/a/corrupt.jpg")
	require.NotContains(t, string(w.begin("users/a/1.jpg", pipeline.StepThumbnail).Kept), small.Spec())
}

func TestErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := errors.New("stop")
	_, err := regenerate.Run(t.Context(), w.l, w.queue, regenerate.Plan{Presets: always(large), Apply: true},
		regenerate.Controls{Found: func(regenerate.Finding) error { return stop }})
	require.ErrorIs(t, err, stop)
	away := tasks.NewEnqueuer(redistest.Away(t), nil, nil)
	report, err := regenerate.Run(t.Context(), w.l, away, regenerate.Plan{Presets: always(large), Apply: true}, regenerate.Controls{})
	require.NoError(t, err, "the sweep will queue them")
	require.Equal(t, 3, report.Wished)
}
