package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

// A compare-and-set that was lost did not happen, whatever the business wrote meanwhile.
func TestAttachLostRaceWhileTheBusinessRemovesOne(t *testing.T) {
	t.Parallel()
	w := newAttachWorld(linksOf(t, "r:0")...)
	_, err := w.attach(t, "r")
	require.NoError(t, err)
	require.Equal(t, "r", w.images())
	w.book.state.Links[0].Live = false
	y := linksOf(t, "q:7 y:1")[1]
	w.book.state.Links = append(w.book.state.Links, y)
	done := false
	w.hook = func(p string) error {
		if p == "before write" && !done {
			done = true
			w.orders.images = nil
		}
		return nil
	}
	_, err = w.attach(t, "y")
	require.Equal(t, pipeline.Conflict, pipeline.ClassOf(err))
	_, err = w.attach(t, "y")
	require.NoError(t, err)
	require.Equal(t, "y", w.images())
}

func TestAttachLostRaceWhileTheBusinessAddsOne(t *testing.T) {
	t.Parallel()
	w := newAttachWorld(linksOf(t, "a:0 b:1")...)
	done := false
	w.hook = func(p string) error {
		if p == "before write" && !done {
			done = true
			w.orders.images = []string{"a"}
		}
		return nil
	}
	_, err := w.attach(t, "a")
	require.Equal(t, pipeline.Conflict, pipeline.ClassOf(err))
	_, err = w.attach(t, "b")
	require.NoError(t, err)
	require.Equal(t, "a b", w.images())
}
