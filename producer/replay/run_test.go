package replay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/producer/replay"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

// many gives a ledger with n open letters.
func many(t *testing.T, n int) *ledger.Ledger {
	t.Helper()
	db, err := sqldb.Create(t.Context(), ledgertest.SQLite(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	l, err := ledger.New(ledger.Options{DB: db})
	require.NoError(t, err)
	var anns []pipeline.Announcement
	for i := range n {
		key := fmt.Sprintf("users/o1/%d.jpg", i)
		anns = append(anns, pipeline.Announcement{Bucket: "b-1", Key: key, FileID: "cos://b-1/" + key})
	}
	res, err := l.Announce(t.Context(), "", anns)
	require.NoError(t, err)
	for _, w := range res.Wishes {
		bury(t.Context(), t, l, w.Run)
	}
	return l
}

func bury(ctx context.Context, t *testing.T, l *ledger.Ledger, run pipeline.Run) {
	t.Helper()
	a, err := l.Begin(ctx, run, "w1", time.Minute)
	require.NoError(t, err)
	_, _, err = l.Bury(ctx, a, ledger.Death{Class: pipeline.Denied, Cause: errors.New("403")})
	require.NoError(t, err)
}

// gens are those of the checks of all letters, by upload.
func gens(t *testing.T, l *ledger.Ledger) map[string]int {
	t.Helper()
	found := map[string]int{}
	require.NoError(t, l.EachLetter(t.Context(), ledger.LetterFilter{}, func(x pipeline.Letter) error {
		steps, err := l.Steps(t.Context(), x.UploadID)
		found[x.UploadID] = steps[0].Gen
		return err
	}))
	return found
}

// queue takes every wish, and may do something with it.
type queue func(ctx context.Context, wishes []pipeline.Wish) error

func (q queue) EnqueueAll(ctx context.Context, wishes []pipeline.Wish) error { return q(ctx, wishes) }

func taken(context.Context, []pipeline.Wish) error { return nil }

func TestRunTwoAtOnce(t *testing.T) {
	t.Parallel()
	const n = 120
	l := many(t, n)
	q := tasks.NewEnqueuer(redistest.Client(t, redistest.Mini(t)), nil, nil)
	var wg sync.WaitGroup
	var sums [2]replay.Summary
	for i := range sums {
		wg.Go(func() {
			var err error
			sums[i], err = replay.Run(t.Context(), l, q, replay.Options{Who: fmt.Sprint("ops", i), Note: "the key was renewed", Batch: 20})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, n, sums[0].Replayed+sums[1].Replayed, "%+v", sums)
	for _, s := range sums {
		require.Equal(t, s.Matched, s.Replayed+s.Skipped)
		require.Zero(t, s.Failed+s.Unqueued)
	}
	found := gens(t, l)
	require.Len(t, found, n)
	for id, gen := range found {
		require.Equal(t, 2, gen, id)
	}
}

// TestRunDyingAgain: letters that die again at once are not replayed again by this run.
func TestRunDyingAgain(t *testing.T) {
	t.Parallel()
	l := many(t, 60)
	dies := queue(func(ctx context.Context, wishes []pipeline.Wish) error {
		for _, w := range wishes {
			bury(ctx, t, l, w.Run)
		}
		return nil
	})
	sum, err := replay.Run(t.Context(), l, dies, replay.Options{Who: "ops", Wait: true, Batch: 25})
	require.NoError(t, err)
	require.Equal(t, replay.Summary{Matched: 60, Replayed: 60, DiedAgain: 60, AuditID: sum.AuditID}, sum)
	for _, gen := range gens(t, l) {
		require.Equal(t, 2, gen)
	}
	op, err := l.Operation(t.Context(), sum.AuditID)
	require.NoError(t, err)
	var kept replay.Summary
	require.NoError(t, json.Unmarshal([]byte(op.Counts), &kept))
	require.Equal(t, sum, kept)
}

// TestRunNewest: the youngest letters first, in batches of any size, each once.
func TestRunNewest(t *testing.T) {
	t.Parallel()
	l := many(t, 7)
	var ids []int64
	each := func(x pipeline.Letter, err error) error {
		ids = append(ids, x.ID)
		return err
	}
	opt := replay.Options{Filter: ledger.LetterFilter{Newest: true}, Limit: 5, Batch: 2, Who: "ops", Each: each}
	sum, err := replay.Run(t.Context(), l, queue(taken), opt)
	require.NoError(t, err)
	require.Equal(t, 5, sum.Replayed)
	require.Equal(t, []int64{7, 6, 5, 4, 3}, ids)
	opt.Filter.Newest, ids = false, nil
	_, err = replay.Run(t.Context(), l, queue(taken), opt)
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2}, ids)
}

func TestRunDryLimitAndDiscard(t *testing.T) {
	t.Parallel()
	l := many(t, 7)
	require.NoError(t, l.BuryRaw(t.Context(), "other:task", []byte("?"), errors.New("unknown")))
	dry, err := replay.Run(t.Context(), l, queue(taken), replay.Options{DryRun: true})
	require.NoError(t, err)
	require.Equal(t, replay.Summary{Matched: 8}, dry)
	some, err := replay.Run(t.Context(), l, queue(taken), replay.Options{Limit: 3})
	require.NoError(t, err)
	require.Equal(t, replay.Summary{Matched: 3, Replayed: 3, AuditID: 1}, some)
	gone, err := replay.Run(t.Context(), l, queue(taken), replay.Options{Action: replay.Discard, Limit: 2, Who: "ops", Note: "n", Words: "--all"})
	require.NoError(t, err)
	require.Equal(t, replay.Summary{Matched: 2, Replayed: 2, AuditID: 2}, gone)
	op, err := l.Operation(t.Context(), 2)
	require.NoError(t, err)
	require.Equal(t, []string{"ops", "dead discard", "--all", "n"}, []string{op.Who, op.What, op.Filter, op.Note})
	var results []string
	rest, err := replay.Run(t.Context(), l, queue(taken), replay.Options{Each: func(x pipeline.Letter, err error) error {
		results = append(results, fmt.Sprint(x.UploadID == "", err != nil))
		return nil
	}})
	require.NoError(t, err)
	require.Equal(t, replay.Summary{Matched: 3, Replayed: 2, Failed: 1, AuditID: 3}, rest)
	require.Equal(t, []string{"false false", "false false", "true true"}, results)
}

// TestRunInterrupted: the next run takes up what the first one left.
func TestRunInterrupted(t *testing.T) {
	t.Parallel()
	l := many(t, 20)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("Ctrl-C")
	sum, err := replay.Run(ctx, l, queue(taken), replay.Options{Progress: func(s replay.Summary) {
		if s.Replayed == 5 {
			cancel(stop)
		}
	}})
	require.ErrorIs(t, err, stop)
	require.Equal(t, 5, sum.Replayed)
	op, err := l.Operation(t.Context(), sum.AuditID)
	require.NoError(t, err)
	require.Contains(t, op.Counts, `"replayed":5`)
	rest, err := replay.Run(t.Context(), l, queue(taken), replay.Options{})
	require.NoError(t, err)
	require.Equal(t, 15, rest.Replayed)
	for _, gen := range gens(t, l) {
		require.Equal(t, 2, gen)
	}
}

func TestRunRedisAway(t *testing.T) {
	t.Parallel()
	l := many(t, 3)
	rdb := redistest.Away(t)
	sum, err := replay.Run(t.Context(), l, tasks.NewEnqueuer(rdb, nil, nil), replay.Options{})
	require.NoError(t, err)
	require.Equal(t, replay.Summary{Matched: 3, Replayed: 3, Unqueued: 3, AuditID: 1}, sum)
}

// shelf is a ledger of letters in memory, for what depends on time.
type shelf struct {
	letters []pipeline.Letter
	at      []time.Duration
	start   time.Time
	// ends gives the state of a letter this long after its replay.
	ends func(l pipeline.Letter, after time.Duration) pipeline.LetterState
}

func newShelf(n int) *shelf {
	s := &shelf{start: time.Now(), at: make([]time.Duration, n+1)}
	for i := range n {
		s.letters = append(s.letters, pipeline.Letter{ID: int64(i + 1), State: pipeline.LetterOpen, DiedAt: s.start})
	}
	return s
}

func (s *shelf) CountLetters(context.Context, ledger.LetterFilter) (ledger.LetterSpan, error) {
	n := len(s.letters)
	return ledger.LetterSpan{Count: n, LastID: int64(n), LastDied: s.start}, nil
}

func (s *shelf) Letters(_ context.Context, f ledger.LetterFilter) ([]pipeline.Letter, error) {
	var found []pipeline.Letter
	for _, l := range s.letters {
		if l.State != pipeline.LetterOpen && s.ends != nil {
			l.State = s.ends(l, time.Since(s.start)-s.at[l.ID])
		}
		asked := len(f.IDs) == 0 || slices.Contains(f.IDs, l.ID)
		if asked && l.ID > f.After && (f.State == "" || l.State == f.State) && len(found) < f.Limit {
			found = append(found, l)
		}
	}
	return found, nil
}

func (s *shelf) ReplayLetter(_ context.Context, l pipeline.Letter, _ string) ([]pipeline.Wish, error) {
	s.at[l.ID] = time.Since(s.start)
	s.letters[l.ID-1].State = pipeline.LetterReplayed
	return nil, nil
}

func (s *shelf) DiscardLetter(ctx context.Context, l pipeline.Letter, note string) ([]pipeline.Wish, error) {
	return s.ReplayLetter(ctx, l, note)
}
func (s *shelf) Unqueued(context.Context, []pipeline.Wish) error         { return nil }
func (s *shelf) Record(context.Context, ledger.Operation) (int64, error) { return 1, nil }

func TestRunRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(201)
		sum, err := replay.Run(t.Context(), s, queue(taken), replay.Options{Rate: 20})
		require.NoError(t, err)
		require.Equal(t, 201, sum.Replayed)
		require.InDelta(t, 10, time.Since(s.start).Seconds(), 0.01)
		for i := 1; i < 200; i++ {
			require.InDelta(t, 0.05, (s.at[i+1] - s.at[i]).Seconds(), 0.001)
		}
	})
}

func TestRunWait(t *testing.T) {
	t.Parallel()
	resolvedIn := func(d time.Duration) func(pipeline.Letter, time.Duration) pipeline.LetterState {
		return func(_ pipeline.Letter, after time.Duration) pipeline.LetterState {
			if after >= d {
				return pipeline.LetterResolved
			}
			return pipeline.LetterReplayed
		}
	}
	halfDies := func(l pipeline.Letter, _ time.Duration) pipeline.LetterState {
		if l.ID%2 == 0 {
			return pipeline.LetterOpen
		}
		return pipeline.LetterResolved
	}
	for name, c := range map[string]struct {
		ends func(pipeline.Letter, time.Duration) pipeline.LetterState
		opt  replay.Options
		want replay.Summary
		err  error
		took time.Duration
	}{
		"resolved":     {resolvedIn(30 * time.Second), replay.Options{}, replay.Summary{Matched: 150, Replayed: 150, Resolved: 150}, nil, 30 * time.Second},
		"too late":     {resolvedIn(time.Hour), replay.Options{WaitTimeout: time.Minute}, replay.Summary{Matched: 150, Replayed: 150}, context.DeadlineExceeded, time.Minute},
		"half":         {halfDies, replay.Options{}, replay.Summary{Matched: 150, Replayed: 150, Resolved: 75, DiedAgain: 75}, nil, 0},
		"half is fine": {halfDies, replay.Options{StopOnFailure: 0.6}, replay.Summary{Matched: 150, Replayed: 150, Resolved: 75, DiedAgain: 75}, nil, 0},
		// The first look comes with the first letter, the second after a second with 20 more.
		"half is too many": {halfDies, replay.Options{StopOnFailure: 0.2, Rate: 20}, replay.Summary{Matched: 150, Replayed: 21, Resolved: 11, DiedAgain: 10}, replay.ErrTooManyFailures, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newShelf(150)
				s.ends = c.ends
				c.opt.Wait, c.want.AuditID = true, 1
				sum, err := replay.Run(t.Context(), s, queue(taken), c.opt)
				require.ErrorIs(t, err, c.err)
				require.Equal(t, c.want, sum)
				require.InDelta(t, c.took.Seconds(), time.Since(s.start).Seconds(), 0.5)
			})
		})
	}
}
