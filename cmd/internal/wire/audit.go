package wire

import (
	"context"
	"time"

	"github.com/hibiken/asynq"

	"github.com/afterput/afterput/producer/audit"
)

// Audit makes an audit of everything that the App reaches. quick leaves the bucket out.
func (a *App) Audit(ctx context.Context, since time.Time, quick bool) (*audit.Audit, error) {
	if err := a.PingRedis(ctx); err != nil {
		return nil, err
	}
	opt := audit.Options{
		Ledger: a.Ledger, Queue: asynq.NewInspectorFromRedisClient(a.Redis), Buckets: a.Buckets,
		KeepRejected: a.keepsRejected, Since: since,
	}
	if a.Orders != nil {
		opt.Orders = a.Orders
	}
	if !quick {
		opt.Objects = a.Objects
	}
	return audit.New(opt)
}
