package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/worker"
)

// redisTimeout is how long Redis and its sentinels may take to answer everything.
const redisTimeout = 15 * time.Second

// Redis checks the engine: that it is there, keeps what it is given, and lets our user do
// what serve and worker do.
type Redis struct {
	// Open makes a client of one server, of the master that sentinels name, or of a cluster.
	// Nil where redis.url is not set.
	Open func() (redis.UniversalClient, error)
	// Sentinels are those of redis.url; none for other shapes.
	Sentinels func() ([]Sentinel, error)
	// Master is the name by which sentinels know it.
	Master string
	// User is our name at Redis; empty for the default user.
	User string
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Name is redis.
func (Redis) Name() string { return "redis" }

// Run asks the sentinels, then the server, and changes nothing: commands that write are
// queued in a transaction that is discarded.
func (c Redis) Run(ctx context.Context) []Finding {
	if c.Open == nil {
		return []Finding{{Skip, "redis.url is not set", "set AFTERPUT_REDIS_URL=redis://host:6379/0; serve and worker need it"}}
	}
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	var findings []Finding
	if c.Sentinels != nil {
		findings = c.sentinels(ctx)
	}
	rdb, err := c.Open()
	if err != nil {
		return append(findings, Finding{Fail, err.Error(), "correct redis.*; afterput config show --origin tells where it comes from"})
	}
	defer func() { _ = rdb.Close() }()
	if err := rdb.Ping(ctx).Err(); err != nil && !refused(err) {
		return append(findings, Finding{Fail, "Redis does not answer: " + err.Error(), connectMend(err)})
	}
	switch rdb := rdb.(type) {
	case *redis.Client:
		f := ask(ctx, rdb)
		return append(append(findings, f.mode()...), c.server(ctx, rdb, f)...)
	case *redis.ClusterClient:
		return append(findings, c.cluster(ctx, rdb)...)
	}
	return append(findings, Finding{Skip, "it is of a shape that is not looked at", "look at its servers one by one"})
}

// server looks at one server that takes writes.
func (c Redis) server(ctx context.Context, rdb *redis.Client, f facts) []Finding {
	return append(f.findings(), c.clock(ctx, rdb), c.rights(ctx, rdb))
}

// cluster looks at every master: each has settings and users of its own.
func (c Redis) cluster(ctx context.Context, rdb *redis.ClusterClient) []Finding {
	var mu sync.Mutex
	masters := map[string][]Finding{}
	err := rdb.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		at := node.Options().Addr
		found := c.server(ctx, node, ask(ctx, node))
		for i := range found {
			found[i].What = at + ": " + found[i].What
		}
		mu.Lock()
		defer mu.Unlock()
		masters[at] = found
		return nil
	})
	if err != nil {
		return []Finding{{Fail, "the masters of the cluster cannot be asked: " + err.Error(), connectMend(err)}}
	}
	findings := []Finding{{Level: OK, What: fmt.Sprintf("it is a cluster of %d masters", len(masters))}}
	info, err := rdb.ClusterInfo(ctx).Result()
	if err == nil && !strings.Contains(info, "cluster_state:ok") {
		findings[0] = Finding{Fail, "the cluster does not serve every slot", "redis-cli --cluster check host:port tells which"}
	}
	for _, at := range slices.Sorted(maps.Keys(masters)) {
		findings = append(findings, masters[at]...)
	}
	return findings
}

// clock compares our clock with that of Redis.
func (c Redis) clock(ctx context.Context, rdb *redis.Client) Finding {
	now := c.Now
	if now == nil {
		now = time.Now
	}
	skew, err := apart(now, func() (time.Time, error) { return rdb.Time(ctx).Result() })
	if err != nil {
		return Finding{Skip, "the clocks cannot be compared: TIME: " + err.Error(), "let the user run TIME"}
	}
	return clocks(skew, worker.MaxSkew, "Redis")
}

// refused tells that Redis knows us, and does not let us do this.
func refused(err error) bool {
	if err == nil {
		return false
	}
	_, answered := errors.AsType[redis.Error](err)
	return answered && strings.HasPrefix(err.Error(), "NOPERM")
}

// connectMend says what to look at. The codes are the first words of Redis's answers.
func connectMend(err error) string {
	text := err.Error()
	for _, m := range []struct{ sign, mend string }{
		{"WRONGPASS", "correct user and password in redis.url; percent-encode special characters"},
		{"NOAUTH", "put user and password into redis.url: AFTERPUT_REDIS_URL_FILE names a file with it"},
		{"LOADING", "wait: Redis reads its data from disk"},
		{"all sentinels specified in configuration are unreachable", "see what the sentinels say above; redis.sentinel is their own user"},
		{"certificate", "correct redis.tls.caFile or redis.tls.serverName, or the certificate"},
		{"EOF", "if the server speaks TLS alone, begin redis.url with rediss://"},
		{"connection reset", "if the server speaks TLS alone, begin redis.url with rediss://"},
	} {
		if strings.Contains(text, m.sign) {
			return m.mend
		}
	}
	return "is it up, is redis.url right, and does the server speak TLS (rediss://) or not (redis://) as that says? " +
		"afterput config show --origin tells where it comes from"
}
