package worker

import (
	"context"
	"errors"
	"fmt"

	"github.com/hibiken/asynq"

	"github.com/afterput/afterput/tasks"
)

// keepArchived is how many archived tasks of a queue stay for asynqmon to show. asynq
// keeps 9,999, drops older ones without a word, and breaks the archive of a queue for
// good when 8,000 of them expire at once.
const keepArchived = 2000

// trimPage is how many archived tasks one round of the sweep removes from a queue.
const trimPage = 1000

// trim removes the oldest archived tasks of a queue above keep. The ledger has the
// letters of ours; one that nobody can read becomes a letter first.
func (s *sweeper) trim(ctx context.Context, queue string, keep int) (removed int, err error) {
	n, err := s.rdb.ZCard(ctx, "asynq:{"+queue+"}:archived").Result()
	if err != nil {
		return 0, fmt.Errorf("redis: %w", err)
	}
	over := min(int(n)-keep, trimPage)
	if over <= 0 {
		return 0, nil
	}
	oldest, err := s.inspect.ListArchivedTasks(queue, asynq.PageSize(over))
	if err != nil {
		return 0, fmt.Errorf("archive of %s: %w", queue, err)
	}
	for _, t := range oldest {
		if _, err := tasks.Decode(t.Type, t.Payload); err != nil {
			if err := s.ledger.BuryRaw(ctx, t.Type, t.Payload, err); err != nil {
				return removed, err
			}
		}
		if err := s.inspect.DeleteTask(queue, t.ID); err != nil && !errors.Is(err, asynq.ErrTaskNotFound) {
			return removed, fmt.Errorf("archived task %s: %w", t.ID, err)
		}
		removed++
	}
	return removed, nil
}

// trimAll trims the archives of our queues.
func (s *sweeper) trimAll(ctx context.Context) error {
	for _, q := range tasks.Queues() {
		n, err := s.trim(ctx, q, keepArchived)
		if err != nil {
			return err
		}
		if n > 0 {
			s.log.InfoContext(ctx, "trimmed the archive of a queue, the letters stay in the ledger", "queue", q, "tasks", n)
		}
	}
	return nil
}
