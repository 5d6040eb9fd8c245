package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline/tempurl"
	"github.com/afterput/afterput/tasks"
)

// openRedis makes the producer's client: it gives up soon, because the ledger has the
// upload and the phone waits.
func (a *App) openRedis(context.Context) error {
	rdb, err := a.redis(500 * time.Millisecond)
	if err != nil {
		return err
	}
	rdb.AddHook(a.Metrics.RedisHook())
	a.Redis = rdb
	a.Queue, a.Desk = tasks.NewEnqueuer(rdb, a.timeouts(), nil), tasks.NewDesk(rdb)
	if a.Cache, err = tempurl.NewCache(rdb, tempurl.CacheOptions{PublicTTL: a.Config.TempURL.PublicTTL}); err != nil {
		return &OpenError{PartRedis, err}
	}
	return nil
}

// redis makes a client that closes with the App; soon is as in Redis.
func (a *App) redis(soon time.Duration) (redis.UniversalClient, error) {
	rdb, err := Redis(a.Config.Redis, soon)
	if err != nil {
		return nil, &OpenError{PartRedis, err}
	}
	rdb = a.faults.redis(rdb)
	a.closers = append(a.closers, rdb.Close)
	return rdb, nil
}

// Redis makes a client of what the configuration names, whatever its shape. asynq gets
// the same client, because its own reading of addresses drops the user's name. With soon
// a command gives up after one try of at most so long; 0 leaves it to go-redis. Errors
// tell no secret.
func Redis(c config.Redis, soon time.Duration) (redis.UniversalClient, error) {
	at, err := c.Address()
	if err != nil {
		return nil, fmt.Errorf("redis.url %w", err)
	}
	secure, err := redisTLS(c.TLS)
	if err != nil {
		return nil, err
	}
	if !at.TLS {
		secure = nil
	}
	switch at.Shape {
	case config.RedisSentinels:
		return sentinels(at, c.Sentinel, secure, soon)
	case config.RedisCluster:
		return cluster(at, secure, soon)
	case config.RedisSingle:
	}
	opt, err := redis.ParseURL(at.URL.String())
	if err != nil {
		return nil, unreadable(err)
	}
	if opt.TLSConfig != nil {
		secure.InsecureSkipVerify = opt.TLSConfig.InsecureSkipVerify
	}
	opt.TLSConfig, opt.MaintNotificationsConfig = secure, withoutNotices()
	if soon > 0 {
		opt.DialTimeout, opt.ReadTimeout, opt.WriteTimeout, opt.PoolTimeout = soon, soon, soon, soon
		opt.MaxRetries, opt.DialerRetries = -1, 1
	}
	return redis.NewClient(opt), nil
}

// withoutNotices keeps go-redis from asking each new connection for notices of maintenance,
// which only Redis Enterprise sends: every other server refuses, and the client takes locks
// around the question and its refusal.
func withoutNotices() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// sentinels makes a client that asks sentinels for the master.
func sentinels(at config.RedisAddress, as config.RedisSentinel, secure *tls.Config, soon time.Duration) (redis.UniversalClient, error) {
	opt, err := failover(at, as, secure, soon)
	if err != nil {
		return nil, err
	}
	return redis.NewFailoverClient(opt), nil
}

// failover reads how to find a master.
func failover(at config.RedisAddress, as config.RedisSentinel, secure *tls.Config, soon time.Duration) (*redis.FailoverOptions, error) {
	// go-redis takes the user of such a URL for that of the sentinels.
	u, query := *at.URL, at.URL.Query()
	u.User = url.UserPassword(as.Username, as.Password.Reveal())
	word, _ := at.URL.User.Password()
	query.Set("username", at.URL.User.Username())
	query.Set("password", word)
	query.Set("master_name", at.Master)
	query["addr"] = at.Hosts[1:]
	u.RawQuery = query.Encode()
	opt, err := redis.ParseFailoverURL(u.String())
	if err != nil {
		return nil, unreadable(err)
	}
	if opt.TLSConfig != nil {
		secure.InsecureSkipVerify = opt.TLSConfig.InsecureSkipVerify
	}
	opt.TLSConfig = secure
	if soon > 0 {
		opt.DialTimeout, opt.ReadTimeout, opt.WriteTimeout, opt.PoolTimeout = soon, soon, soon, soon
		opt.MaxRetries, opt.DialerRetries = -1, 1
	}
	return opt, nil
}

// Sentinels makes a client of each sentinel that redis.url names, in its order; none where it
// names no sentinels. soon is as in Redis.
func Sentinels(c config.Redis, soon time.Duration) ([]*redis.SentinelClient, error) {
	at, err := c.Address()
	if err != nil || at.Shape != config.RedisSentinels {
		return nil, err
	}
	secure, err := redisTLS(c.TLS)
	if err != nil {
		return nil, err
	}
	if !at.TLS {
		secure = nil
	}
	opt, err := failover(at, c.Sentinel, secure, soon)
	if err != nil {
		return nil, err
	}
	list := make([]*redis.SentinelClient, 0, len(at.Hosts))
	for _, host := range at.Hosts {
		list = append(list, redis.NewSentinelClient(&redis.Options{
			Addr: host, Username: opt.SentinelUsername, Password: opt.SentinelPassword, TLSConfig: opt.TLSConfig,
			DialTimeout: opt.DialTimeout, ReadTimeout: opt.ReadTimeout, WriteTimeout: opt.WriteTimeout, PoolTimeout: opt.PoolTimeout,
			MaxRetries: opt.MaxRetries, DialerRetries: opt.DialerRetries,
		}))
	}
	return list, nil
}

// unreadable says that go-redis cannot read an address, which may hold a password.
func unreadable(err error) error {
	const known = "redis: unexpected option: "
	if name, ok := strings.CutPrefix(err.Error(), known); ok {
		return fmt.Errorf("redis.url has an option that is none: %s", name)
	}
	return errors.New("redis.url cannot be read: want redis://user:password@host:6379/0, with a number as the database")
}

// redisTLS reads the files of redis.tls.
func redisTLS(c config.RedisTLS) (*tls.Config, error) {
	secure := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("redis.tls.caFile cannot be read: %w", err)
		}
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("redis.tls.caFile %s holds no certificate", c.CAFile)
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("redis.tls: %w", err)
		}
		secure.Certificates = []tls.Certificate{pair}
	}
	return secure, nil
}

// PingRedis tells whether Redis answers.
func (a *App) PingRedis(ctx context.Context) error {
	if err := a.Desk.Ping(ctx); err != nil {
		return &OpenError{PartRedis, fmt.Errorf("%s does not answer: %w", a.Config.Redis.URL, err)}
	}
	return nil
}
