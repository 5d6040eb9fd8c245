package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A service that is told to stop while it is still starting has done so: a rollout that
// changes its mind is no failure.
func TestStoppedWhileStarting(t *testing.T) {
	t.Parallel()
	path, _ := world(t)
	ctx, interrupt := context.WithCancelCause(context.WithoutCancel(t.Context()))
	interrupt(errInterrupted)
	for _, command := range []string{"serve", "worker"} {
		var out, errs bytes.Buffer
		require.Equal(t, exitOK, run(ctx, []string{command, "-c", path}, nil, strings.NewReader(""), &out, &errs), "%s: %s", command, errs.String())
	}
}
