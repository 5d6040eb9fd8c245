package worker

import (
	"context"
	"net"

	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/pipeline"
)

// life is one process while it does one thing. At one of its boundaries (each transaction
// of the ledger, each command to Redis, each call to the outside) it may vanish, or stand
// still until somebody wakes it.
type life struct {
	step  pipeline.Step // what failures are charged to
	key   string
	how   disturbance
	until int // boundaries until it happens

	dead   bool
	cancel context.CancelFunc
	parked chan struct{} // closed when it stands still
	wake   chan struct{}
}

// disturbance is what happens to a process.
type disturbance string

const (
	undisturbed disturbance = "undisturbed"
	crashes     disturbance = "crashes" // kill -9
	sleeps      disturbance = "sleeps"  // for a while, and keeps its lease
	stalls      disturbance = "stalls"  // for so long that its task is taken back
)

// vanished is the panic of a process that is not there any more.
type vanished struct{}

type lifeKey struct{}

func lifeOf(ctx context.Context) *life {
	l, _ := ctx.Value(lifeKey{}).(*life)
	return l
}

// boundary is where a disturbance may happen. A process that vanished does nothing more.
// Nobody stands still in a transaction, for all others would wait.
func (l *life) boundary(inTransaction bool) {
	if l == nil {
		return
	}
	if l.dead {
		panic(vanished{})
	}
	if l.until--; l.how == undisturbed || l.until > 0 || (inTransaction && l.how != crashes) {
		return
	}
	how := l.how
	l.how = undisturbed
	if how == crashes {
		l.die()
		panic(vanished{})
	}
	close(l.parked)
	<-l.wake
	if l.dead {
		panic(vanished{})
	}
}

func (l *life) die() {
	l.dead = true
	l.cancel()
}

// redisLife makes a boundary of each command, and lets commands fail.
type redisLife struct{ town *modelTown }

func (redisLife) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (r redisLife) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		lifeOf(ctx).boundary(false)
		if err := r.town.world.fault(ctx, "redis"); err != nil {
			cmd.SetErr(err)
			return err
		}
		return next(ctx, cmd)
	}
}

func (redisLife) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
