package ledgertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// A webhook that cannot be delivered is no new outcome, and its letter can be discarded.
func deadNotify(b *bench) {
	ctx := b.t.Context()
	id := b.linked("users/o1/a.jpg")
	b.check(id, "e1", "text/html", "", pipeline.CodeTypeNotAllowed)
	cause := pipeline.Errorf(pipeline.Denied, "hooks.post", "", "403")
	letter, made, err := b.Bury(ctx, b.begin(id, pipeline.StepNotify, ""), ledger.Death{Class: pipeline.Denied, Cause: cause})
	require.NoError(b.t, err)
	require.Empty(b.t, made)
	require.Equal(b.t, 1, b.upload(id).Revision)
	require.Equal(b.t, pipeline.Dead, b.step(id, pipeline.StepNotify, "").State)
	made, err = b.Discard(ctx, letter, "tester", "the endpoint is gone")
	require.NoError(b.t, err)
	require.Empty(b.t, made)
	require.Equal(b.t, pipeline.Discarded, b.step(id, pipeline.StepNotify, "").State)
	require.Equal(b.t, 1, b.upload(id).Revision)
}

// A worker that is killed after it wrote old content over new has it made again.
func staleWriterKilled(b *bench) {
	ctx := b.t.Context()
	id := b.linked("users/o1/a.jpg")
	b.check(id, "old", "image/jpeg", pipeline.Private, "")
	require.NoError(b.t, b.Heartbeat(ctx, "w1", ""))
	b.begin(id, pipeline.StepThumbnail, "")
	b.linked("users/o1/a.jpg")
	b.check(id, "new", "image/jpeg", pipeline.Private, "")
	newest := b.step(id, pipeline.StepThumbnail, "").run()
	a, err := b.Begin(ctx, newest, "w2", time.Minute)
	require.NoError(b.t, err)
	b.finish(a, pipeline.StepResult{State: pipeline.Done})
	b.clock.Add(time.Minute)
	_, err = b.Reap(ctx)
	require.NoError(b.t, err)
	require.Equal(b.t, pipeline.Pending, b.step(id, pipeline.StepThumbnail, "").State)
}

// An attempt that ended late in good order is closed: its worker's death accuses nobody.
func lateIsClosed(b *bench) {
	ctx := b.t.Context()
	id := b.linked("users/o1/a.jpg")
	require.NoError(b.t, b.Heartbeat(ctx, "w1", ""))
	a := b.begin(id, pipeline.StepCheck, "")
	b.linked("users/o1/a.jpg")
	_, err := b.Finish(ctx, a, pipeline.StepResult{State: pipeline.Done})
	require.ErrorIs(b.t, err, ledger.ErrSuperseded)
	made, err := b.Late(ctx, a, false)
	require.NoError(b.t, err)
	require.Empty(b.t, made)
	b.check(id, "e1", "image/jpeg", pipeline.Private, "")
	b.clock.Add(time.Hour)
	n, err := b.Reap(ctx)
	require.NoError(b.t, err)
	require.Zero(b.t, n)
}
