package tempurl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/pipeline"
)

// KeyPrefix stands before the fileID in a key of the cache.
const KeyPrefix = "afterput:url:"

// Defaults of CacheOptions.
const (
	DefaultPublicTTL = 2 * time.Hour
	DefaultMargin    = 5 * time.Minute
)

// chunk bounds one pipeline to Redis, so that a large request does not hold a connection.
const chunk = 500

// CacheOptions tune a Cache.
type CacheOptions struct {
	// PublicTTL is how long a URL that does not expire is kept. Defaults to 2 hours.
	PublicTTL time.Duration
	// Margin is how much earlier than its URL an entry goes, so that a reader has time to
	// use what it read. Defaults to 5 minutes. A URL that lives for less than twice the
	// margin is kept for half of its life.
	Margin time.Duration
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Cache keeps the URLs of public files in Redis, one key per file. It works on a single
// server, with Sentinel and on a cluster. Errors are of class Transient.
type Cache struct {
	rdb redis.UniversalClient
	opt CacheOptions
}

var _ pipeline.URLCache = (*Cache)(nil)

// NewCache makes a Cache over a client that the caller closes.
func NewCache(rdb redis.UniversalClient, opt CacheOptions) (*Cache, error) {
	if rdb == nil {
		return nil, errors.New("tempurl: no Redis client")
	}
	if opt.PublicTTL < 0 || opt.Margin < 0 {
		return nil, errors.New("tempurl: PublicTTL and Margin cannot be negative")
	}
	if opt.PublicTTL == 0 {
		opt.PublicTTL = DefaultPublicTTL
	}
	if opt.Margin == 0 {
		opt.Margin = DefaultMargin
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Cache{rdb: rdb, opt: opt}, nil
}

// Key is the key under which the URL of a fileID is kept.
func Key(fileID string) string { return KeyPrefix + fileID }

// value is what other languages read: see the package's documentation.
type value struct {
	URL       string `json:"url"`
	ExpiresAt int64  `json:"expiresAt"`
}

// Set keeps one URL. One that is about to expire is not kept, without an error.
func (c *Cache) Set(ctx context.Context, u pipeline.TempURL) error {
	return c.SetAll(ctx, []pipeline.TempURL{u})
}

// SetAll keeps many URLs in few round trips. When it fails some may have been kept.
func (c *Cache) SetAll(ctx context.Context, urls []pipeline.TempURL) error {
	const op = "tempurl.set"
	for part := range slices.Chunk(urls, chunk) {
		p := c.rdb.Pipeline()
		for _, u := range part {
			if u.FileID == "" || u.URL == "" {
				return pipeline.Errorf(pipeline.Bug, op, u.FileID, "a fileID and a URL are needed")
			}
			ttl := c.ttl(u.Expires)
			if ttl <= 0 {
				continue
			}
			text, err := encode(u)
			if err != nil {
				return pipeline.Errorf(pipeline.Bug, op, u.FileID, "%w", err)
			}
			p.Set(ctx, Key(u.FileID), text, ttl)
		}
		if err := run(ctx, p); err != nil {
			return fail(op, part[0].FileID, err)
		}
	}
	return nil
}

// ttl is how long a URL is kept, in whole milliseconds; not positive for not at all.
func (c *Cache) ttl(expires time.Time) time.Duration {
	if expires.IsZero() {
		return c.opt.PublicTTL
	}
	life := expires.Sub(c.opt.Now())
	return (life - min(c.opt.Margin, life/2)).Truncate(time.Millisecond)
}

// encode writes the value without HTML escapes, so that the URL stands in it as it is.
func encode(u pipeline.TempURL) (string, error) {
	v := value{URL: u.URL}
	if !u.Expires.IsZero() {
		v.ExpiresAt = u.Expires.Unix()
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return string(bytes.TrimSpace(b.Bytes())), err
}

// Get reads the cached URLs of fileIDs. What is not cached, or what nobody can read, is
// not in the answer.
func (c *Cache) Get(ctx context.Context, fileIDs ...string) (map[string]pipeline.TempURL, error) {
	found := make(map[string]pipeline.TempURL, len(fileIDs))
	for part := range slices.Chunk(fileIDs, chunk) {
		p := c.rdb.Pipeline()
		cmds := make([]*redis.StringCmd, len(part))
		for i, id := range part {
			cmds[i] = p.Get(ctx, Key(id))
		}
		if err := run(ctx, p); err != nil {
			return nil, fail("tempurl.get", part[0], err)
		}
		for i, id := range part {
			if u, ok := c.decode(id, cmds[i].Val()); ok {
				found[id] = u
			}
		}
	}
	return found, nil
}

func (c *Cache) decode(fileID, text string) (pipeline.TempURL, bool) {
	var v value
	if err := json.Unmarshal([]byte(text), &v); err != nil || v.URL == "" {
		return pipeline.TempURL{}, false
	}
	u := pipeline.TempURL{FileID: fileID, URL: v.URL}
	if v.ExpiresAt != 0 {
		u.Expires = time.Unix(v.ExpiresAt, 0)
		if !u.Expires.After(c.opt.Now()) {
			return pipeline.TempURL{}, false
		}
	}
	return u, true
}

// Delete forgets the URLs of fileIDs; unknown ones are no error.
func (c *Cache) Delete(ctx context.Context, fileIDs ...string) error {
	for part := range slices.Chunk(fileIDs, chunk) {
		// One DEL per key, because the keys of one DEL have to lie in one slot of a cluster.
		p := c.rdb.Pipeline()
		for _, id := range part {
			p.Del(ctx, Key(id))
		}
		if err := run(ctx, p); err != nil {
			return fail("tempurl.delete", part[0], err)
		}
	}
	return nil
}

// run sends a pipeline. A key that is not there is no error.
func run(ctx context.Context, p redis.Pipeliner) error {
	cmds, err := p.Exec(ctx)
	if err == nil || !errors.Is(err, redis.Nil) {
		return err
	}
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
	}
	return nil
}

func fail(op, key string, err error) error {
	return &pipeline.Error{Class: pipeline.Transient, Op: op, Key: key, Err: err}
}
