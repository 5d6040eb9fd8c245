package replay_test

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
	"github.com/afterput/afterput/producer/replay"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// buried gives a ledger with one open letter.
func buried(t *testing.T) (*ledger.Ledger, int64) {
	t.Helper()
	db, err := sqldb.Create(t.Context(), ledgertest.SQLite(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	l, err := ledger.New(ledger.Options{DB: db})
	require.NoError(t, err)
	res, err := l.Announce(t.Context(), "", []pipeline.Announcement{{Bucket: "b-1", Key: "users/o1/1.jpg", FileID: "cos://b-1/users/o1/1.jpg"}})
	require.NoError(t, err)
	a, err := l.Begin(t.Context(), res.Wishes[0].Run, "w1", time.Minute)
	require.NoError(t, err)
	id, _, err := l.Bury(t.Context(), a, ledger.Death{Class: pipeline.Denied, Cause: errors.New("403")})
	require.NoError(t, err)
	return l, id
}

func TestLetter(t *testing.T) {
	t.Parallel()
	l, id := buried(t)
	rdb := redistest.Client(t, redistest.Mini(t))
	q := tasks.NewEnqueuer(rdb, nil, nil)

	queued, err := replay.Letter(t.Context(), l, q, id, "ops", "the key was renewed")
	require.NoError(t, err)
	require.True(t, queued)
	letter, err := l.Letter(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, pipeline.LetterReplayed, letter.State)
	require.Equal(t, "the key was renewed", letter.Note)
	steps, err := l.Steps(t.Context(), letter.UploadID)
	require.NoError(t, err)
	require.Equal(t, pipeline.Step("check"), steps[0].Step)
	require.Equal(t, pipeline.Pending, steps[0].State)
	require.Equal(t, 2, steps[0].Gen, "a fresh budget")

	_, err = replay.Letter(t.Context(), l, q, id, "ops", "again")
	require.ErrorIs(t, err, ledger.ErrNotOpen)
	_, err = replay.Letter(t.Context(), l, q, id+1, "ops", "")
	require.ErrorIs(t, err, ledger.ErrNotFound)
}

// TestLetterRedisAway: the replay is kept, and the sweep finds it.
func TestLetterRedisAway(t *testing.T) {
	t.Parallel()
	l, id := buried(t)
	rdb := redistest.Away(t)

	queued, err := replay.Letter(t.Context(), l, tasks.NewEnqueuer(rdb, nil, nil), id, "ops", "")
	require.NoError(t, err)
	require.False(t, queued)
	due, err := l.Due(t.Context(), false, ledger.Cursor{}, 10)
	require.NoError(t, err)
	var gens []int
	for _, w := range due.Wishes {
		gens = append(gens, w.Gen)
	}
	require.Contains(t, gens, 2, "at once, without the grace")
}
