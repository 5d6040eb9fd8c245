package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

// TestFixOfBody: what came through a door and was not understood is no task.
func TestFixOfBody(t *testing.T) {
	t.Parallel()
	l := pipeline.Letter{ID: 7, State: pipeline.LetterOpen, Class: pipeline.Invalid, TaskType: "events/eventbridge"}
	require.Contains(t, fixOf(l, ""), "came in at events/eventbridge")
	require.Contains(t, fixOf(l, ""), "afterput dead discard 7")
	l.Class = pipeline.Bug
	require.Contains(t, fixOf(l, ""), "the task is not ours")
}
