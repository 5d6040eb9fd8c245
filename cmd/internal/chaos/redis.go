package chaos

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/afterput/afterput/tasks/redistest"
)

// Redis is a redis-server with an append-only file behind a proxy that can cut the line,
// or a master and a replica of that kind under three sentinels.
type Redis struct {
	// URL is for afterput. Client is for the battery: it goes past the line, and follows
	// the sentinels.
	URL    string
	Client *redis.Client

	host *host
	// servers are the one, or the master and the replica as they were at the start.
	servers []*redistest.Server
	line    *toxiproxy.Proxy      // nil with sentinels
	watched *redistest.Watched    // nil without
	admin   *redis.SentinelClient // of the first sentinel; nil without
}

// The user of afterput where there are sentinels: cutting the line shuts it out, because
// clients go where the sentinels send them.
const (
	redisUser = "afterput"
	redisWord = "battery"
)

func startRedis(ctx context.Context, dir, shape string) (*Redis, error) {
	r := &Redis{host: newHost(ctx, dir)}
	start := r.startPlain
	if shape == Sentinel {
		start = r.startSentinel
	}
	if err := start(); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *Redis) startPlain() error {
	if err := r.host.do(func() { r.servers = []*redistest.Server{redistest.Start(r.host)} }); err != nil {
		return err
	}
	metrics := toxiproxy.NewMetricsContainer(prometheus.NewRegistry())
	r.line = toxiproxy.NewProxy(toxiproxy.NewServer(metrics, zerolog.New(io.Discard)), "redis", "127.0.0.1:0", r.servers[0].Addr())
	if err := r.line.Start(); err != nil {
		return err
	}
	r.URL = "redis://" + r.line.Listen + "/0"
	r.Client = redis.NewClient(&redis.Options{Addr: r.servers[0].Addr(), DialTimeout: time.Second, MaxRetries: -1})
	return nil
}

func (r *Redis) startSentinel() error {
	if err := r.host.do(func() {
		r.watched = redistest.StartSentinel(r.host, "", "--user", redisUser, "on", ">"+redisWord, "~*", "&*", "+@all")
	}); err != nil {
		return err
	}
	r.servers = []*redistest.Server{r.watched.Master, r.watched.Replica}
	u, err := url.Parse(r.watched.URL)
	if err != nil {
		return err
	}
	opt := &redis.FailoverOptions{MasterName: redistest.SentinelMaster, DialTimeout: time.Second, MaxRetries: -1}
	for _, s := range r.watched.Sentinels {
		opt.SentinelAddrs = append(opt.SentinelAddrs, s.Addr())
	}
	r.Client = redis.NewFailoverClient(opt)
	r.admin = redis.NewSentinelClient(&redis.Options{Addr: opt.SentinelAddrs[0]})
	u.User = url.UserPassword(redisUser, redisWord)
	r.URL = u.String()
	return nil
}

// master is the server that clients are sent to.
func (r *Redis) master(ctx context.Context) (*redistest.Server, error) {
	if r.admin == nil {
		return r.servers[0], nil
	}
	at, err := r.admin.GetMasterAddrByName(ctx, redistest.SentinelMaster).Result()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(r.servers, func(s *redistest.Server) bool { return s.Addr() == strings.Join(at, ":") })
	if i < 0 {
		return nil, fmt.Errorf("the sentinels name %v as the master", at)
	}
	return r.servers[i], nil
}

// Kill ends the master as kill -9 does.
func (r *Redis) Kill(ctx context.Context) error {
	s, err := r.master(ctx)
	if err == nil {
		s.Kill()
	}
	return err
}

// Start runs what was killed on what it has kept, and waits until Redis takes writes.
func (r *Redis) Start(ctx context.Context) error {
	for _, s := range r.servers {
		if !s.Running() {
			if err := r.host.do(s.Run); err != nil {
				return err
			}
		}
	}
	return r.writable(ctx)
}

// writable waits until there is a master, which with sentinels may be another one.
func (r *Redis) writable(ctx context.Context) error {
	return until(ctx, time.Minute, "Redis takes writes", func() bool {
		return r.Client.Set(ctx, "battery:probe", 1, time.Second).Err() == nil
	})
}

// Forget removes what killed servers have kept.
func (r *Redis) Forget() error {
	for _, s := range r.servers {
		if !s.Running() {
			if err := r.host.do(s.Forget); err != nil {
				return err
			}
		}
	}
	return nil
}

// Pause freezes a Redis without sentinels as a machine does that hangs: connections stay
// and nothing answers. Resume lets it go on.
func (r *Redis) Pause() error { return r.host.do(r.servers[0].Pause) }

// Resume ends Pause.
func (r *Redis) Resume() error { return r.host.do(r.servers[0].Resume) }

// Cut closes the line: connections end and none can be made. Join opens it again.
func (r *Redis) Cut(ctx context.Context) error {
	if r.line != nil {
		r.line.Stop()
		return nil
	}
	return r.admit(ctx, "off")
}

// Join opens the line.
func (r *Redis) Join(ctx context.Context) error {
	if r.line != nil {
		return r.line.Start()
	}
	return r.admit(ctx, "on")
}

// admit lets the user of afterput in on every server, or shuts it out.
func (r *Redis) admit(ctx context.Context, rule string) error {
	for _, s := range r.servers {
		c := redis.NewClient(&redis.Options{Addr: s.Addr()})
		err := c.Do(ctx, "ACL", "SETUSER", redisUser, rule).Err()
		if err == nil && rule == "off" {
			err = c.Do(ctx, "CLIENT", "KILL", "USER", redisUser).Err()
		}
		_ = c.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", s.Addr(), err)
		}
	}
	return nil
}

// Toxic spoils the line in both directions until Heal, by a toxic of toxiproxy.
func (r *Redis) Toxic(kind, attributes string) error {
	for _, stream := range []string{"upstream", "downstream"} {
		_, err := r.line.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(
			`{"name":%q,"type":%q,"stream":%q,"toxicity":1,"attributes":%s}`, kind+"-"+stream, kind, stream, attributes)))
		if err != nil {
			return err
		}
	}
	return nil
}

// Heal takes every toxic off the line.
func (r *Redis) Heal(ctx context.Context) { r.line.Toxics.ResetToxics(ctx) }

func (r *Redis) close() {
	if r.line != nil {
		r.line.Stop()
	}
	if r.Client != nil {
		_ = r.Client.Close()
	}
	if r.admin != nil {
		_ = r.admin.Close()
	}
	r.host.close()
}
