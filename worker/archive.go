package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hibiken/asynq"

	"github.com/afterput/afterput/tasks"
)

// keepArchived is how many archived tasks of a queue stay for asynqmon to show. asynq
// keeps 9,999, drops older ones without a word, and breaks the archive of a queue for
// good when 8,000 of them expire at once.
const keepArchived = 2000

// trimPage is how many archived tasks one round of the sweep removes from a queue.
const trimPage = 1000

// foreignPage is how many archived tasks of a queue one round looks at for such as are
// not ours and have no letter yet: somebody archived them by hand.
const foreignPage = 100

// tidyArchives trims the archives of our queues and gives letters to what is not ours.
func (s *sweeper) tidyArchives(ctx context.Context, done tally) error {
	var errs error
	for _, q := range tasks.Queues() {
		n, err := s.trim(ctx, q, keepArchived)
		done[RepairTrimmed] += n
		m, ferr := s.adoptForeign(ctx, q)
		done[RepairForeign] += m
		errs = errors.Join(errs, err, ferr)
	}
	return errs
}

// trim removes the oldest archived tasks of a queue above keep. The ledger has the
// letters of ours; one that is not ours becomes a letter first.
func (s *sweeper) trim(ctx context.Context, queue string, keep int) (removed int, err error) {
	archive := "asynq:{" + queue + "}:archived"
	n, err := s.rdb.ZCard(ctx, archive).Result()
	if err != nil {
		return 0, fmt.Errorf("redis: %w", err)
	}
	over := min(int(n)-keep, trimPage)
	if over <= 0 {
		return 0, nil
	}
	oldest, err := s.rdb.ZRange(ctx, archive, 0, int64(over)-1).Result()
	if err != nil {
		return 0, fmt.Errorf("archive of %s: %w", queue, err)
	}
	for _, id := range oldest {
		if _, err := s.letterOf(ctx, queue, id); err != nil {
			return removed, err
		}
		if err := s.inspect.DeleteTask(queue, id); err != nil {
			// The task is not there any more or is somewhere else; its place here is wrong.
			if err := s.rdb.ZRem(ctx, archive, id).Err(); err != nil {
				return removed, fmt.Errorf("archived task %s: %w", id, err)
			}
		}
		delete(s.foreign, id)
		removed++
	}
	return removed, nil
}

// adoptForeign looks at a part of an archive, at another one in each round, and tells how
// many letters it wrote.
func (s *sweeper) adoptForeign(ctx context.Context, queue string) (adopted int, err error) {
	if s.page == nil {
		s.page = map[string]int64{}
	}
	from := s.page[queue]
	ids, err := s.rdb.ZRange(ctx, "asynq:{"+queue+"}:archived", from, from+foreignPage-1).Result()
	if err != nil {
		return 0, fmt.Errorf("archive of %s: %w", queue, err)
	}
	if s.page[queue] = from + foreignPage; len(ids) < foreignPage {
		s.page[queue] = 0
	}
	for _, id := range ids {
		wrote, err := s.letterOf(ctx, queue, id)
		if err != nil {
			return adopted, err
		}
		if wrote {
			adopted++
		}
	}
	return adopted, nil
}

// letterOf writes the letter of an archived task that is not ours, unless it has been
// done already.
func (s *sweeper) letterOf(ctx context.Context, queue, id string) (wrote bool, err error) {
	if _, _, _, ours := tasks.ParseID(id); ours || s.foreign[id] {
		return false, nil
	}
	info, err := s.inspect.GetTaskInfo(queue, id)
	if errors.Is(err, asynq.ErrTaskNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("archived task %s: %w", id, err)
	}
	if info.Type == "" {
		return false, nil // it holds nothing
	}
	_, unreadable := tasks.Decode(info.Type, info.Payload)
	if unreadable != nil && !strings.HasPrefix(info.LastErr, deadPrefix) {
		if err := s.ledger.BuryRaw(ctx, info.Type, info.Payload, unreadable); err != nil {
			return false, err
		}
		wrote = true
	}
	if s.foreign == nil || len(s.foreign) > keepArchived*len(tasks.Queues()) {
		s.foreign = map[string]bool{}
	}
	s.foreign[id] = true
	return wrote, nil
}
