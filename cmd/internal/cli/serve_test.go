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
	env := []string{"AFTERPUT_AUTH_KEYS_0_NAME=shop", "AFTERPUT_AUTH_KEYS_0_SECRET=0123456789abcdef", "AFTERPUT_AUTH_KEYS_0_SCOPES=admin"}
	ctx, interrupt := context.WithCancelCause(context.WithoutCancel(t.Context()))
	interrupt(errInterrupted)
	for _, command := range []string{"serve", "worker"} {
		var out, errs bytes.Buffer
		require.Equal(t, exitOK, run(ctx, []string{command, "-c", path}, env, strings.NewReader(""), &out, &errs), "%s: %s", command, errs.String())
	}
}
