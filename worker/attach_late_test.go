package worker

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

// attachPending runs the attach of an upload while it is pending.
func (b *bench) attachPending(h *handler, id string) {
	b.Helper()
	for range 3 {
		if b.step(id, pipeline.StepAttach).State == pipeline.Pending {
			require.NoError(b, b.try(h, id, pipeline.StepAttach))
		}
	}
}

// A file that was checked before it was linked comes into the order with the attach of
// another file. Refused before its own attach was wished for, it must leave again.
func TestFileThatCameWithAnotherIsWithdrawn(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	h := b.handler()
	b.orders.create("A1")
	one := b.announce("1.jpg", "v1", "")
	require.NoError(t, b.try(h, one, pipeline.StepCheck))
	b.announce("1.jpg", "", "A1") // linked, and its check waits
	two := b.announce("2.jpg", "v1", "A1")
	require.NoError(t, b.try(h, two, pipeline.StepCheck))
	require.NoError(t, b.try(h, two, pipeline.StepAttach))
	require.Len(t, b.orders.images("A1"), 2)
	b.store.set("1.jpg", "") // an empty file is refused
	require.NoError(t, b.try(h, one, pipeline.StepCheck))
	b.attachPending(h, one)
	require.Equal(t, []string{"cos://" + bucket + "/2.jpg"}, b.orders.images("A1"))
}

// slowOrders lets a write wait until it may go on, once.
type slowOrders struct {
	*orders
	once       sync.Once
	writes, on chan struct{}
}

func (s *slowOrders) WriteImages(ctx context.Context, was pipeline.Order, images []string) error {
	s.once.Do(func() {
		close(s.writes)
		<-s.on
	})
	return s.orders.WriteImages(ctx, was, images)
}

// An attach that stood still before its write, and lost its hold of the order, writes late
// into an array that nobody changed meanwhile. The file was refused in between.
func TestLateWriteOfARefusedFileIsWithdrawn(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	slow := &slowOrders{orders: b.orders, writes: make(chan struct{}), on: make(chan struct{})}
	h := b.handler()
	h.steps.Orders = slow
	b.orders.create("A1")
	id := b.announce("1.jpg", "v1", "A1")
	require.NoError(t, b.try(h, id, pipeline.StepCheck))
	task, done := b.task(b.run(id, pipeline.StepAttach)), make(chan error, 1)
	go func() { done <- h.ProcessTask(b.Context(), task) }()
	<-slow.writes
	b.store.set("1.jpg", "") // an empty file is refused
	b.announce("1.jpg", "", "A1")
	require.NoError(t, b.try(h, id, pipeline.StepCheck))
	b.attachPending(h, id)
	require.Empty(t, b.orders.images("A1"))
	close(slow.on)
	t.Log("it woke and said:", <-done)
	b.attachPending(h, id)
	require.Empty(t, b.orders.images("A1"), "it was refused: %+v", b.step(id, pipeline.StepAttach))
}
