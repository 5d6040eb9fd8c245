package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
)

// lineMark is the key by which everything that afterput and asynq keep in a Redis is known
// to be the demo's own. Names of queues are fixed, so that the demo cannot share a database
// of Redis with another afterput; other keys it does not touch.
const lineMark = "afterput:demo"

// scanPage is how many keys Redis looks at for one answer.
const scanPage = 1000

// line is a database of Redis that the demo uses.
type line struct {
	rdb  redis.UniversalClient
	name string
}

func lineOf(c config.Redis) (*line, error) {
	rdb, err := wire.Redis(c, 0)
	if err != nil {
		return nil, err
	}
	return &line{rdb, c.URL.String()}, nil
}

// claim marks the line, unless there are tasks or cached URLs of anybody.
func (l *line) claim(ctx context.Context, mark string) error {
	first := ""
	err := l.scan(ctx, func(keys []string) error {
		if first == "" {
			first = keys[0]
		}
		return nil
	})
	if err != nil {
		return err
	}
	free := first == ""
	if free {
		if free, err = l.rdb.SetNX(ctx, lineMark, mark, 0).Result(); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	if free {
		return nil
	}
	made, err := l.made(ctx)
	if err != nil {
		return err
	}
	if made != "" {
		return &TakenError{l.name + " is in use already, by " + made, true}
	}
	return &TakenError{l.name + " is in use: it holds " + strconv.Quote(first) +
		"; name another database of it, such as /1, that holds nothing of asynq and afterput", false}
}

// made says what the mark of a demo says; "" where there is none.
func (l *line) made(ctx context.Context) (string, error) {
	mark, err := l.rdb.Get(ctx, lineMark).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", l.name, err)
	}
	return cmp.Or(mark, "a demo"), nil
}

// idle fails while workers report that they run.
func (l *line) idle(ctx context.Context) error {
	alive, err := l.rdb.ZRangeByScore(ctx, "asynq:servers", &redis.ZRangeBy{Min: strconv.FormatInt(time.Now().Unix(), 10), Max: "+inf"}).Result()
	if err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	if len(alive) > 0 {
		return &TakenError{l.name + " has workers that run, or were killed less than ten seconds ago", false}
	}
	return nil
}

// clean removes the line where it bears the mark, which goes last.
func (l *line) clean(ctx context.Context) error {
	made, err := l.made(ctx)
	if err != nil {
		return err
	}
	if made == "" {
		first := ""
		err := l.scan(ctx, func(keys []string) error { first = keys[0]; return nil })
		if err == nil && first != "" {
			err = &TakenError{l.name + " holds " + strconv.Quote(first) + ", and no demo made it", false}
		}
		return err
	}
	if err := l.scan(ctx, func(keys []string) error {
		pipe := l.rdb.Pipeline() // by single keys: those of a cluster lie in many slots
		for _, key := range keys {
			if key != lineMark {
				pipe.Del(ctx, key)
			}
		}
		_, err := pipe.Exec(ctx)
		return err
	}); err != nil {
		return err
	}
	if err := l.rdb.Del(ctx, lineMark).Err(); err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	return nil
}

// scan hands over the keys of asynq and afterput, page by page and at least one at a time.
func (l *line) scan(ctx context.Context, page func(keys []string) error) error {
	var mu sync.Mutex // masters of a cluster are asked beside each other
	locked := func(keys []string) error {
		mu.Lock()
		defer mu.Unlock()
		return page(keys)
	}
	one := func(ctx context.Context, node *redis.Client) error {
		for _, pattern := range []string{"asynq:*", "afterput:*"} {
			if err := scanNode(ctx, node, pattern, locked); err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
		}
		return nil
	}
	switch rdb := l.rdb.(type) {
	case *redis.ClusterClient:
		return rdb.ForEachMaster(ctx, one)
	case *redis.Client:
		return one(ctx, rdb)
	}
	return errors.New(l.name + " is of a shape that the demo does not know")
}

func scanNode(ctx context.Context, node *redis.Client, pattern string, page func(keys []string) error) error {
	for cursor := uint64(0); ; {
		keys, next, err := node.Scan(ctx, cursor, pattern, scanPage).Result()
		if err != nil {
			return err
		}
		if len(keys) > 0 {
			if err := page(keys); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
