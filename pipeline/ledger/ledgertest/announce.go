package ledgertest

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

func announceAtOnce(b *bench) {
	a := photo("users/o1/a.jpg")
	a.Order = "A1"
	for _, err := range atOnce(b.t.Context(), 50, func(ctx context.Context, _ int) error {
		_, err := b.Announce(ctx, "", []pipeline.Announcement{a})
		return err
	}) {
		require.NoError(b.t, err)
	}
	id := pipeline.UploadID(bucket, a.Key)
	require.Equal(b.t, 50, b.upload(id).Announcements)
	require.Equal(b.t, 1, b.step(id, pipeline.StepCheck, "").Gen, "wishes for a check that has not started are one wish")
	links, err := b.Links(b.t.Context(), id)
	require.NoError(b.t, err)
	require.Len(b.t, links, 1)
	totals, err := b.Totals(b.t.Context())
	require.NoError(b.t, err)
	require.Equal(b.t, ledger.Totals{Uploads: 1, Announcements: 50, Pending: 1}, totals)
}

func announceCase(b *bench) {
	res := b.announce(photo("users/o1/A.jpg"), photo("users/o1/a.jpg"))
	require.True(b.t, res.Announced[0].New)
	require.True(b.t, res.Announced[1].New, "A.jpg and a.jpg are two objects")
}

func announceInbound(b *bench) {
	anns := []pipeline.Announcement{photo("users/o1/a.jpg")}
	first, err := b.Announce(b.t.Context(), "msg_1", anns)
	require.NoError(b.t, err)
	require.False(b.t, first.Replayed)
	again, err := b.Announce(b.t.Context(), "msg_1", anns)
	require.NoError(b.t, err)
	require.True(b.t, again.Replayed)
	require.Empty(b.t, again.Wishes)
	require.Equal(b.t, first.Announced[0].UploadID, again.Announced[0].UploadID)
	require.Equal(b.t, 1, b.upload(first.Announced[0].UploadID).Announcements)
}

func announceDuringRun(b *bench) {
	id := b.announce(photo("users/o1/a.jpg")).Announced[0].UploadID
	a := b.begin(id, pipeline.StepCheck, "")
	made := b.announce(photo("users/o1/a.jpg")).Wishes
	require.Equal(b.t, 2, made[0].Gen, "the run had started, so this is a new wish")
	_, err := b.Finish(b.t.Context(), a, pipeline.StepResult{State: pipeline.Done})
	require.ErrorIs(b.t, err, ledger.ErrSuperseded)
	require.Equal(b.t, pipeline.Pending, b.step(id, pipeline.StepCheck, "").State)
	_, err = b.Begin(b.t.Context(), a.Run, "w2", time.Minute)
	require.ErrorIs(b.t, err, ledger.ErrSuperseded, "a task with an older gen has nothing to do")
}

func removalUnknown(b *bench) {
	a := photo("users/o1/a.jpg")
	a.Removed = true
	res := b.announce(a)
	require.False(b.t, res.Announced[0].New)
	require.Empty(b.t, res.Wishes)
	_, err := b.Upload(b.t.Context(), res.Announced[0].UploadID)
	require.ErrorIs(b.t, err, ledger.ErrNotFound)
}

func linkCompleted(b *bench) {
	event, phone := photo("users/o1/a.jpg"), photo("users/o1/a.jpg")
	event.Order, phone.Order, phone.Batch, phone.Position = "A1", "A1", "b1", new(3)
	id := b.announce(event).Announced[0].UploadID
	b.check(id, "e1", "image/jpeg", pipeline.Private, "")
	require.Equal(b.t, 1, b.step(id, pipeline.StepAttach, "A1").Gen)
	b.run(id, pipeline.StepAttach, "A1")

	made := b.announce(phone).Wishes
	require.Contains(b.t, stepsOf(made), pipeline.StepAttach, "its place in the order may have changed")
	later := phone
	later.Batch, later.Position = "b2", new(0)
	b.announce(later)
	links, err := b.Links(b.t.Context(), id)
	require.NoError(b.t, err)
	require.Len(b.t, links, 1)
	require.Equal(b.t, "b1", links[0].Batch)
	require.Equal(b.t, new(3), links[0].Position, "what is known is never overwritten")
}

func findByRef(b *bench) {
	a := photo("users/o1/a.jpg")
	a.Order = "A1"
	id := b.announce(a, photo("users/o1/b.jpg")).Announced[0].UploadID
	for _, ref := range []string{id, a.FileID, a.Key, a.Order} {
		found, err := b.Find(b.t.Context(), ref, 10)
		require.NoError(b.t, err, ref)
		require.Len(b.t, found, 1, ref)
		require.Equal(b.t, id, found[0].ID, ref)
	}
	_, err := b.Find(b.t.Context(), "nothing", 10)
	require.ErrorIs(b.t, err, ledger.ErrNotFound)
}
