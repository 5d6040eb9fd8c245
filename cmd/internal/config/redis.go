package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Redis is the engine: queues and the cache of public URLs.
type Redis struct {
	// URL says where it is and in which shape: redis://user:password@host:6379/0,
	// redis-sentinel://user:password@host:26379,host:26379/0?master=name,
	// redis-cluster://user:password@host:6379,host:6379 or unix:///path/to.sock?db=0.
	// rediss://, rediss-sentinel:// and rediss-cluster:// speak TLS, to the sentinels as
	// well. Empty by default; serve and worker refuse to start without it.
	URL URL `yaml:"url"`
	// TLS says whom to trust and who we are, for a URL that speaks TLS.
	TLS RedisTLS `yaml:"tls"`
	// Sentinel is how to sign in to sentinels.
	Sentinel RedisSentinel `yaml:"sentinel"`
}

// RedisTLS are files for TLS, which are read at the start.
type RedisTLS struct {
	// CAFile has the authorities, as PEM. Empty: those of this machine.
	CAFile string `yaml:"caFile"`
	// CertFile and KeyFile are our own certificate, for a server that wants one. Both or none.
	CertFile string `yaml:"certFile"`
	KeyFile  string `yaml:"keyFile"`
	// ServerName is the name in the server's certificate. Empty: the host that is called.
	ServerName string `yaml:"serverName"`
}

// RedisSentinel is the user of sentinels, who is another one than that of Redis.
type RedisSentinel struct {
	// Username and Password are empty where sentinels want none.
	Username string `yaml:"username"`
	Password Secret `yaml:"password"`
}

// RedisShape is how many servers a Redis is, and who directs them.
type RedisShape string

// The shapes.
const (
	// RedisSingle is one server, or an address behind which somebody else fails over.
	RedisSingle RedisShape = "single"
	// RedisSentinels is a master and its replicas, directed by sentinels.
	RedisSentinels RedisShape = "sentinel"
	// RedisCluster is several masters, each with a part of the keys, and their replicas.
	RedisCluster RedisShape = "cluster"
)

// redisSchemes are the shapes by what redis.url begins with.
func redisSchemes() map[string]RedisShape {
	return map[string]RedisShape{
		"redis": RedisSingle, "rediss": RedisSingle, "unix": RedisSingle,
		"redis-sentinel": RedisSentinels, "rediss-sentinel": RedisSentinels,
		"redis-cluster": RedisCluster, "rediss-cluster": RedisCluster,
	}
}

// RedisAddress is a redis.url, taken apart.
type RedisAddress struct {
	Shape RedisShape
	// TLS says that everything is spoken over TLS.
	TLS bool
	// Hosts are host:port of the server, of the sentinels or of some nodes of the cluster;
	// none with a socket.
	Hosts []string
	// Master is the name by which sentinels know it.
	Master string
	// URL is the address with its first host alone and without the master's name: scheme
	// redis, rediss or unix, user, database, and the options of go-redis in its query.
	URL *url.URL
}

// Address takes URL apart. The error does not tell what is in it.
func (r Redis) Address() (RedisAddress, error) {
	single, hosts := splitHosts(r.URL.Reveal())
	u, err := url.Parse(single)
	if err != nil {
		return RedisAddress{}, errors.New("is not a URL")
	}
	shape, ok := redisSchemes()[u.Scheme]
	if !ok {
		return RedisAddress{}, errors.New("begins with none of redis://, rediss://, redis-sentinel://, rediss-sentinel://, " +
			"redis-cluster://, rediss-cluster://, unix://")
	}
	base, _, _ := strings.Cut(u.Scheme, "-")
	a := RedisAddress{Shape: shape, TLS: base == "rediss", URL: u}
	u.Scheme = base
	if base == "unix" {
		if u.Path == "" {
			return a, errors.New("names no socket")
		}
		return a, nil
	}
	query := u.Query()
	a.Master = query.Get("master")
	query.Del("master")
	u.RawQuery = query.Encode()
	port := "6379"
	if shape == RedisSentinels {
		port = "26379"
	}
	for _, h := range hosts {
		host, err := hostPort(h, port)
		if err != nil {
			return a, err
		}
		a.Hosts = append(a.Hosts, host)
	}
	u.Host = a.Hosts[0]
	switch {
	case shape == RedisSingle && len(a.Hosts) > 1:
		return a, errors.New("names several hosts, and says not what they are")
	case shape == RedisSentinels && a.Master == "":
		return a, errors.New("does not name the master")
	case shape != RedisSentinels && a.Master != "":
		return a, errors.New("names a master, and no sentinels")
	case shape == RedisCluster && (strings.Trim(u.Path, "/0") != "" || query.Has("db")):
		return a, errors.New("names a database, and a cluster has one alone")
	}
	return a, nil
}

// splitHosts gives a URL with the first of its hosts alone, and all hosts.
func splitHosts(raw string) (single string, hosts []string) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return raw, nil
	}
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	user, list := "", rest[:end]
	if i := strings.LastIndex(list, "@"); i >= 0 {
		user, list = list[:i+1], list[i+1:]
	}
	hosts = strings.Split(list, ",")
	return scheme + "://" + user + hosts[0] + rest[end:], hosts
}

// hostPort completes a host with the port where it names none.
func hostPort(host, port string) (string, error) {
	u := url.URL{Host: host}
	if u.Hostname() == "" {
		return "", errors.New("names no host")
	}
	if p := u.Port(); p != "" {
		port = p
	}
	if _, err := url.Parse("redis://" + host); err != nil {
		return "", fmt.Errorf("names the host %q, which is none", host)
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

// redis checks the section redis.
func (v *validator) redis() {
	r := v.cfg.Redis
	if (r.TLS.CertFile == "") != (r.TLS.KeyFile == "") {
		v.add("redis.tls.certFile", "set both or none", "and keyFile go together")
	}
	if r.URL == "" {
		return
	}
	a, err := r.Address()
	if err != nil {
		v.add("redis.url", "write it as redis://host:6379/0, redis-sentinel://host:26379,host:26379/0?master=name or "+
			"redis-cluster://host:6379,host:6379; percent-encode special characters of a password", "%s", err)
		return
	}
	if !a.TLS && r.TLS != (RedisTLS{}) {
		v.add("redis.tls", "begin redis.url with rediss, or drop redis.tls", "is set, and redis.url does not speak TLS")
	}
	if a.Shape != RedisSentinels && r.Sentinel != (RedisSentinel{}) {
		v.add("redis.sentinel", "begin redis.url with redis-sentinel, or drop redis.sentinel", "is set, and redis.url names no sentinels")
	}
}
