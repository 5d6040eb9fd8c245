package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks"
)

// leftoverPage is about how many keys one round looks at for leftovers.
const leftoverPage = 250

// leftovers removes tasks that Redis keeps although no list of their queue names them and
// the ledger has no use for them: asynq cannot acknowledge a task whose place it has lost
// meanwhile, and keeps it for ever. Each round takes a page of the keys of each server
// that holds a queue, others in each round. A pending step is none of its business:
// restore sees to those.
func (s *sweeper) leftovers(ctx context.Context, done tally) error {
	servers, err := nodes(ctx, s.rdb)
	if err != nil {
		return err
	}
	scanned := map[string]uint64{}
	for name, server := range servers {
		keys, next, err := server.Scan(ctx, s.scanned[name], "asynq:{*}:t:*", leftoverPage).Result()
		if err != nil {
			return fmt.Errorf("redis: %w", err)
		}
		scanned[name] = next
		if err := s.clear(ctx, keys, done); err != nil {
			return err
		}
	}
	s.scanned = scanned
	return nil
}

// clear removes those of a page of tasks that are leftovers.
func (s *sweeper) clear(ctx context.Context, keys []string, done tally) error {
	states := make([]*redis.StringCmd, len(keys))
	if len(keys) > 0 {
		_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, key := range keys {
				states[i] = p.HGet(ctx, key, "state")
			}
			return nil
		})
		// A key that is no hash answers with an error of its own and is nothing of ours.
		if _, answered := errors.AsType[redis.Error](err); err != nil && !answered {
			return fmt.Errorf("redis: %w", err)
		}
	}
	for i, key := range keys {
		// What waits is let alone, for its list may be long; what is archived is the view
		// of a letter.
		if state := states[i].Val(); state != "active" && state != "retry" && state != "scheduled" {
			continue
		}
		dropped, err := s.leftover(ctx, key)
		if err != nil {
			return err
		}
		if dropped {
			done[RepairLeftover]++
		}
	}
	return nil
}

// leftover removes one task if it is one.
func (s *sweeper) leftover(ctx context.Context, key string) (bool, error) {
	queue, id, ok := strings.Cut(strings.TrimPrefix(key, "asynq:{"), "}:t:")
	if !ok {
		return false, nil
	}
	step, upload, gen, ok := tasks.ParseID(id)
	switch {
	case queue == tasks.QueueURLs && strings.HasPrefix(id, string(pipeline.StepWarm)+":"):
		// It names no step: whatever is pending gets another one.
	case !ok, tasks.QueueOf(step) != queue:
		return false, nil
	default:
		if wanted, err := s.ledger.Wanted(ctx, step, upload, gen); err != nil || wanted {
			return false, err
		}
	}
	found, err := lookups.Run(ctx, s.rdb, lookKeys(queue, id), id, shortList).Int()
	if err != nil {
		return false, fmt.Errorf("redis: %w", err)
	}
	return found == taskGhost, nil
}
