package wire

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/cmd/internal/config"
)

// What redis.url leaves open for a cluster. A worker renews its leases every 5 seconds,
// one command after the other, and loses them after 16: a node that hangs must not hold
// up the commands to the others for that long.
const (
	clusterTry       = 2 * time.Second // for a connection, and for an answer
	clusterRedirects = 2               // other tries of a command
	// clusterLook is how often it asks who holds what. go-redis looks as well when a node
	// says that it holds a key no longer, but not when a node says nothing.
	clusterLook = 2 * time.Second
)

// cluster makes a client that knows which node of a cluster holds a key.
func cluster(at config.RedisAddress, secure *tls.Config, soon time.Duration) (redis.UniversalClient, error) {
	u, query := *at.URL, at.URL.Query()
	query["addr"] = at.Hosts[1:]
	u.RawQuery = query.Encode()
	opt, err := redis.ParseClusterURL(u.String())
	if err != nil {
		return nil, unreadable(err)
	}
	if opt.ReadOnly || opt.RouteByLatency || opt.RouteRandomly {
		return nil, errors.New("redis.url has replicas answer, which lag behind: drop read_only, route_by_latency and route_randomly")
	}
	opt.TLSConfig, opt.ClusterStateReloadInterval, opt.MaintNotificationsConfig = secure, clusterLook, withoutNotices()
	if soon > 0 {
		opt.DialTimeout, opt.ReadTimeout, opt.WriteTimeout, opt.PoolTimeout = soon, soon, soon, soon
		opt.MaxRetries, opt.DialerRetries, opt.MaxRedirects, opt.ContextTimeoutEnabled = -1, 1, 1, true
		rdb := redis.NewClusterClient(opt)
		rdb.AddHook(atMost(soon))
		return rdb, nil
	}
	opt.DialTimeout, opt.DialerRetries = cmp.Or(opt.DialTimeout, clusterTry), cmp.Or(opt.DialerRetries, 1)
	opt.ReadTimeout, opt.MaxRedirects = cmp.Or(opt.ReadTimeout, clusterTry), cmp.Or(opt.MaxRedirects, clusterRedirects)
	return redis.NewClusterClient(opt), nil
}

// atMost bounds a command with all its tries: a cluster needs a second one where another
// node holds the key by now.
type atMost time.Duration

func (atMost) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (d atMost) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(d))
		defer cancel()
		return next(ctx, cmd)
	}
}

func (d atMost) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(d))
		defer cancel()
		return next(ctx, cmds)
	}
}
