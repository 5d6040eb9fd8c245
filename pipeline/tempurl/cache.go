package tempurl

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/pipeline"
)

// KeyPrefix stands before the fileID in a key of the cache.
const KeyPrefix = "afterput:url:"

// ChecksKey is a sorted set of the cached fileIDs by the unix milliseconds at which each
// was last found to be public. It is ours alone: entries may be behind.
const ChecksKey = "afterput:url-checks"

// Defaults of CacheOptions.
const (
	DefaultPublicTTL = 2 * time.Hour
	DefaultMargin    = 5 * time.Minute
)

// Unchecked is the longest time that an entry is kept without another look at whether
// its file still is public: no URL older than that is left after a file turned private.
const Unchecked = 5 * time.Minute

// chunk bounds one pipeline to Redis, so that a large request does not hold a connection.
const chunk = 500

// CacheOptions tune a Cache.
type CacheOptions struct {
	// PublicTTL is how long a URL that does not expire is kept, while a Keeper finds that
	// it still is public. Defaults to 2 hours.
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

// Set keeps one URL of a file that was found to be public just now. One that is about to
// expire is not kept, without an error.
func (c *Cache) Set(ctx context.Context, u pipeline.TempURL) error {
	return c.SetAll(ctx, c.opt.Now(), []pipeline.TempURL{u})
}

// SetAll keeps many URLs of files that were found to be public at the time checked, in few
// round trips. When it fails some may have been kept.
func (c *Cache) SetAll(ctx context.Context, checked time.Time, urls []pipeline.TempURL) error {
	const op = "tempurl.set"
	now := c.opt.Now()
	for part := range slices.Chunk(urls, chunk) {
		p := c.rdb.Pipeline()
		for _, u := range part {
			if u.FileID == "" || u.URL == "" {
				return pipeline.Errorf(pipeline.Bug, op, u.FileID, "a fileID and a URL are needed")
			}
			e := Entry{TempURL: u, ResolvedAt: now, CheckedAt: checked, KeepUntil: now.Add(c.life(u.Expires, now))}
			ttl := e.ttl(now)
			if ttl <= 0 {
				continue
			}
			text, err := e.encode()
			if err != nil {
				return pipeline.Errorf(pipeline.Bug, op, u.FileID, "%w", err)
			}
			p.Set(ctx, Key(u.FileID), text, ttl)
			p.ZAdd(ctx, ChecksKey, redis.Z{Score: float64(checked.UnixMilli()), Member: u.FileID})
		}
		if err := run(ctx, p); err != nil {
			return fail(op, part[0].FileID, err)
		}
	}
	return nil
}

// life is how long a URL is kept as long as its file is public; not positive for not at all.
func (c *Cache) life(expires, now time.Time) time.Duration {
	if expires.IsZero() {
		return c.opt.PublicTTL
	}
	life := expires.Sub(now)
	return life - min(c.opt.Margin, life/2)
}

// extend notes that the file of an entry was found to be public at the time checked. An
// entry that somebody deleted meanwhile stays deleted.
func (c *Cache) extend(ctx context.Context, e Entry, checked time.Time) error {
	const op = "tempurl.extend"
	e.CheckedAt = checked
	ttl := e.ttl(c.opt.Now())
	text, err := e.encode()
	if err != nil {
		return pipeline.Errorf(pipeline.Bug, op, e.FileID, "%w", err)
	}
	if ttl <= 0 {
		return nil
	}
	err = c.rdb.SetArgs(ctx, Key(e.FileID), text, redis.SetArgs{Mode: "XX", TTL: ttl}).Err()
	if errors.Is(err, redis.Nil) {
		return c.forget(ctx, e.FileID)
	}
	if err == nil {
		err = c.rdb.ZAdd(ctx, ChecksKey, redis.Z{Score: float64(checked.UnixMilli()), Member: e.FileID}).Err()
	}
	if err != nil {
		return fail(op, e.FileID, err)
	}
	return nil
}

// unchecked gives up to limit fileIDs, past the first skip, that nobody has looked at since
// a time, the oldest first.
func (c *Cache) unchecked(ctx context.Context, since time.Time, skip, limit int) ([]string, error) {
	ids, err := c.rdb.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: ChecksKey, Start: "-inf", Stop: since.UnixMilli(), ByScore: true, Offset: int64(skip), Count: int64(limit),
	}).Result()
	if err != nil {
		return nil, fail("tempurl.unchecked", "", err)
	}
	return ids, nil
}

// forget takes fileIDs off the list of those to look at again.
func (c *Cache) forget(ctx context.Context, fileIDs ...string) error {
	members := make([]any, len(fileIDs))
	for i, id := range fileIDs {
		members[i] = id
	}
	if len(members) == 0 {
		return nil
	}
	if err := c.rdb.ZRem(ctx, ChecksKey, members...).Err(); err != nil {
		return fail("tempurl.forget", fileIDs[0], err)
	}
	return nil
}

// Get reads the cached URLs of fileIDs. What is not cached, or what nobody can read, is
// not in the answer.
func (c *Cache) Get(ctx context.Context, fileIDs ...string) (map[string]pipeline.TempURL, error) {
	entries, err := c.Entries(ctx, fileIDs...)
	if err != nil {
		return nil, err
	}
	urls := make(map[string]pipeline.TempURL, len(entries))
	for id, e := range entries {
		urls[id] = e.TempURL
	}
	return urls, nil
}

// Entries is Get with what the cache knows of each URL.
func (c *Cache) Entries(ctx context.Context, fileIDs ...string) (map[string]Entry, error) {
	found := make(map[string]Entry, len(fileIDs))
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
			if e, ok := decode(id, cmds[i].Val(), c.opt.Now()); ok {
				found[id] = e
			}
		}
	}
	return found, nil
}

// Delete forgets the URLs of fileIDs; unknown ones are no error.
func (c *Cache) Delete(ctx context.Context, fileIDs ...string) error {
	for part := range slices.Chunk(fileIDs, chunk) {
		// One DEL per key, because the keys of one DEL have to lie in one slot of a cluster.
		p := c.rdb.Pipeline()
		for _, id := range part {
			p.Del(ctx, Key(id))
			p.ZRem(ctx, ChecksKey, id)
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
