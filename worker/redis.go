package worker

import (
	"context"
	"net"

	"github.com/redis/go-redis/v9"
)

// uncancelled lets asynq's own commands reach Redis although their context has ended.
// asynq 0.26 cancels the context that its syncer uses later, so that without this hook
// one failed acknowledgement is never repeated and the task runs again, or dies.
type uncancelled struct{}

func (uncancelled) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return next(context.WithoutCancel(ctx), network, addr)
	}
}

func (uncancelled) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return next(context.WithoutCancel(ctx), cmd)
	}
}

func (uncancelled) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return next(context.WithoutCancel(ctx), cmds)
	}
}
