package ledgertest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// prune removes every row of a kind in small pages.
func (b *bench) prune(kind ledger.Prunable, before time.Time) int {
	b.t.Helper()
	counted, err := b.CountPrunable(b.t.Context(), kind, before)
	require.NoError(b.t, err)
	after, total := "", 0
	for {
		next, n, err := b.Prune(b.t.Context(), kind, before, after, 2)
		require.NoError(b.t, err)
		total += n
		if after = next; next == "" {
			break
		}
	}
	require.Equal(b.t, counted, total, kind)
	return total
}

func pruneOld(b *bench) {
	ctx := b.t.Context()
	b.anyStates()
	dying, err := b.Letters(ctx, ledger.LetterFilter{})
	require.NoError(b.t, err)
	for i := range 5 {
		_, err := b.Announce(ctx, fmt.Sprint("msg-", i), []pipeline.Announcement{photo("users/o1/waiting.jpg")})
		require.NoError(b.t, err)
		_, err = b.Record(ctx, ledger.Operation{Who: "tester", What: "test"})
		require.NoError(b.t, err)
	}
	require.NoError(b.t, b.Heartbeat(ctx, "gone", ""))
	for _, kind := range ledger.Prunables() {
		require.Zero(b.t, b.prune(kind, b.clock.Now()), "nothing is older")
	}
	b.clock.Add(time.Hour)
	now := b.clock.Now()
	waiting := pipeline.UploadID(bucket, "users/o1/waiting.jpg")
	b.begin(waiting, pipeline.StepCheck, "")
	before, err := b.Books(ctx, time.Time{})
	require.NoError(b.t, err)

	require.Equal(b.t, 5, b.prune(ledger.PruneInbound, now))
	require.Equal(b.t, 5, b.prune(ledger.PruneOperations, now))
	require.Equal(b.t, 1, b.prune(ledger.PruneWorkers, now))
	require.Zero(b.t, b.prune(ledger.PruneLetters, now), "an open letter stays")
	require.Positive(b.t, b.prune(ledger.PruneAttempts, now))
	for _, kept := range []string{waiting, dying[0].UploadID, pipeline.UploadID(bucket, "users/o1/0.jpg")} {
		tries, err := b.Attempts(ctx, kept)
		require.NoError(b.t, err)
		require.NotEmpty(b.t, tries, "in flight, or with an open letter")
	}
	after, err := b.Books(ctx, time.Time{})
	require.NoError(b.t, err)
	require.Equal(b.t, before, after, "what is counted stays")

	_, err = b.Discard(ctx, dying[0].ID, "tester", "not wanted")
	require.NoError(b.t, err)
	b.settled(dying[0].UploadID)
	b.clock.Add(time.Hour)
	require.Equal(b.t, 1, b.prune(ledger.PruneLetters, b.clock.Now()), "a discarded letter goes")
	require.Positive(b.t, b.prune(ledger.PruneAttempts, b.clock.Now()))
}
