package chaos

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/tasks/redistest"
)

func failoverRows() []Row {
	return []Row{{
		ID: "7", Name: "kill -9 of the Redis master, with writes that its replica never saw", Short: true, Files: 90,
		Ledgers: []string{Postgres, MariaDB, SQLite}, Redises: []string{Sentinel}, Break: failOvers,
	}}
}

// failOvers does it once, or three times in the long form.
func failOvers(ctx context.Context, b *Bench) error {
	b.gen.onlyPhotos = true // a file that is not there takes its own time
	if err := amid(failOver)(ctx, b); err != nil || !b.Long {
		return err
	}
	for range 2 {
		if err := b.Redis.inSync(ctx); err != nil {
			return err
		}
		wait := b.Sending(ctx, b.Files)
		pause(ctx, time.Second)
		if err := failOver(ctx, b); err != nil {
			return err
		}
		b.Mended()
		if err := wait(); err != nil {
			return err
		}
	}
	return nil
}

// failOver keeps the replica from its master until it misses the state of some tasks,
// kills the master, and lets the sentinels make the replica the new one. The old master
// comes back and follows. What the promoted one believes of those tasks is wrong: that
// they wait, that they run, or that they do not exist.
func failOver(ctx context.Context, b *Bench) error {
	master, err := b.Redis.master(ctx)
	if err != nil {
		return err
	}
	replica := b.Redis.other(master)
	old, behind := direct(master), direct(replica)
	defer func() { _, _ = old.Close(), behind.Close() }()
	// Nobody listens on port 1. The sentinels put this right only after eight seconds.
	if err := behind.ReplicaOf(ctx, "127.0.0.1", "1").Err(); err != nil {
		return err
	}
	missed := 0
	if err := until(ctx, 30*time.Second, "the replica misses some tasks", func() bool {
		missed, err = differing(ctx, old, behind)
		return err == nil && missed >= 10
	}); err != nil {
		return errors.Join(errPart, err)
	}
	master.Kill()
	b.Fired("unreplicated", missed)
	if err := until(ctx, time.Minute, "the sentinels name the replica as the master", func() bool {
		now, err := b.Redis.master(ctx)
		return err == nil && now == replica
	}); err != nil {
		return err
	}
	if err := b.Redis.writable(ctx); err != nil {
		return err
	}
	b.Fired("failover", 1)
	return b.Redis.Start(ctx) // the old master
}

// differing counts the tasks that two servers do not have in the same place.
func differing(ctx context.Context, a, b *redis.Client) (n int, err error) {
	here, err := places(ctx, a)
	if err != nil {
		return 0, err
	}
	there, err := places(ctx, b)
	if err != nil {
		return 0, err
	}
	for id, place := range here {
		if there[id] != place {
			n++
		}
	}
	for id := range there {
		if here[id] == "" {
			n++
		}
	}
	return n, nil
}

// places tells in which list or set of asynq each task stands.
func places(ctx context.Context, rdb *redis.Client) (map[string]string, error) {
	at := map[string]string{}
	note := func(place string, ids []string, err error) error {
		for _, id := range ids {
			at[id] = place
		}
		return err
	}
	for _, q := range queues {
		prefix := "asynq:{" + q + "}:"
		for _, list := range []string{"pending", "active"} {
			ids, err := rdb.LRange(ctx, prefix+list, 0, -1).Result()
			if note(list, ids, err) != nil {
				return nil, err
			}
		}
		for _, set := range []string{"scheduled", "retry", "archived"} {
			ids, err := rdb.ZRange(ctx, prefix+set, 0, -1).Result()
			if note(set, ids, err) != nil {
				return nil, err
			}
		}
	}
	return at, nil
}

// direct gives a client of one server, whatever it is to the sentinels.
func direct(s *redistest.Server) *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.Addr(), DialTimeout: time.Second, MaxRetries: -1})
}

// other gives the server beside s.
func (r *Redis) other(s *redistest.Server) *redistest.Server {
	return r.servers[1-slices.Index(r.servers, s)]
}

// inSync waits until the replica follows its master.
func (r *Redis) inSync(ctx context.Context) error {
	return until(ctx, time.Minute, "the replica follows", func() bool {
		info, err := r.Client.Info(ctx, "replication").Result()
		return err == nil && strings.Contains(info, "role:master") && strings.Contains(info, "state=online")
	})
}
