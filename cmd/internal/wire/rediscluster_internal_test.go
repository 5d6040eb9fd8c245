package wire

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// What a phone waits for ends in time, whatever go-redis tries meanwhile.
func TestAtMost(t *testing.T) {
	t.Parallel()
	bounded := func(ctx context.Context) {
		end, ok := ctx.Deadline()
		require.True(t, ok)
		require.LessOrEqual(t, time.Until(end), time.Minute)
	}
	called := 0
	require.NoError(t, atMost(time.Minute).ProcessHook(func(ctx context.Context, _ redis.Cmder) error {
		called++
		bounded(ctx)
		return nil
	})(t.Context(), nil))
	require.NoError(t, atMost(time.Minute).ProcessPipelineHook(func(ctx context.Context, _ []redis.Cmder) error {
		called++
		bounded(ctx)
		return nil
	})(t.Context(), nil))
	require.Equal(t, 2, called)
}
