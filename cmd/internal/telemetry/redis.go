package telemetry

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// families are kinds of Redis commands that cost alike.
var families = map[string]string{
	"eval": "script", "evalsha": "script", "eval_ro": "script", "evalsha_ro": "script", "script": "script",
	"get": "string", "set": "string", "setnx": "string", "setex": "string", "mget": "string", "incr": "string",
	"del": "key", "exists": "key", "expire": "key", "pexpire": "key", "persist": "key", "scan": "key", "ttl": "key", "pttl": "key", "unlink": "key", "type": "key",
	"hget": "hash", "hmget": "hash", "hgetall": "hash", "hset": "hash", "hexists": "hash", "hscan": "hash",
	"llen": "list", "lrange": "list", "lindex": "list", "lpush": "list", "rpush": "list", "lrem": "list", "lpos": "list",
	"sadd": "set", "srem": "set", "smembers": "set", "sismember": "set", "srandmember": "set", "scard": "set",
	"zadd": "zset", "zcard": "zset", "zrange": "zset", "zrangebyscore": "zset", "zrem": "zset", "zscore": "zset", "zcount": "zset",
	"publish": "pubsub", "subscribe": "pubsub",
	"ping": "server", "info": "server", "time": "server", "hello": "server", "client": "server", "auth": "server", "select": "server", "config": "server", "memory": "server",
}

// The families that no name of a command gives.
const (
	pipelined = "pipeline"
	dialing   = "dial"
	unknown   = "other"
)

// Why a command failed.
const (
	kindTimeout   = "timeout"   // no answer in time
	kindCancelled = "cancelled" // whoever asked gave up
	kindNetwork   = "network"   // the connection failed
	kindRefused   = "refused"   // Redis answered with an error
)

// redisCalls are the metrics of Redis commands.
type redisCalls struct {
	took   *prometheus.HistogramVec
	failed *prometheus.CounterVec
}

func newRedisCalls(reg prometheus.Registerer) *redisCalls {
	c := &redisCalls{
		took: histogram(reg, "redis_command_duration_seconds",
			"Time of a Redis command, or of a whole pipeline, by family of commands; dial is a new connection.", quick, "family"),
		failed: counter(reg, "redis_errors_total",
			"Redis commands that failed: timeout, cancelled, network, or refused by Redis.", "family", "kind"),
	}
	for _, family := range []string{"script", "string", "key", "hash", "list", "set", "zset", "pubsub", "server", pipelined, dialing, unknown} {
		c.took.WithLabelValues(family)
		for _, kind := range []string{kindTimeout, kindNetwork, kindRefused} {
			c.failed.WithLabelValues(family, kind)
		}
	}
	return c
}

// RedisHook counts and times what a client sends. Added last, it sees the commands alone.
func (m *Metrics) RedisHook() redis.Hook { return m.redis }

func (c *redisCalls) ended(ctx context.Context, family string, began time.Time, err error) {
	observe(ctx, c.took.WithLabelValues(family), time.Since(began))
	if kind := kindOf(err); kind != "" {
		c.failed.WithLabelValues(family, kind).Inc()
	}
}

// kindOf tells why a command failed, "" for one that did not. That there is nothing is an
// answer, and so is that a script has to be sent first.
func kindOf(err error) string {
	var timeout net.Error
	switch {
	case err == nil, errors.Is(err, redis.Nil), redis.HasErrorPrefix(err, "NOSCRIPT"):
		return ""
	case errors.Is(err, context.Canceled):
		return kindCancelled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return kindTimeout
	}
	if _, answered := errors.AsType[redis.Error](err); answered {
		return kindRefused
	}
	return kindNetwork
}

// DialHook implements redis.Hook.
func (c *redisCalls) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		began := time.Now()
		conn, err := next(ctx, network, addr)
		c.ended(ctx, dialing, began, err)
		return conn, err
	}
}

// ProcessHook implements redis.Hook.
func (c *redisCalls) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		began := time.Now()
		err := next(ctx, cmd)
		family, ok := families[cmd.Name()]
		if !ok {
			family = unknown
		}
		c.ended(ctx, family, began, err)
		return err
	}
}

// ProcessPipelineHook implements redis.Hook.
func (c *redisCalls) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		began := time.Now()
		err := next(ctx, cmds)
		c.ended(ctx, pipelined, began, err)
		return err
	}
}
