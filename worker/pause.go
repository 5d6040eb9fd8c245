package worker

import (
	"context"
	"slices"

	"github.com/afterput/afterput/pipeline/ledger"
)

// pause makes Redis agree with the ledger about pauses. It pauses there what an operator
// paused, because a wiped Redis forgets it, and ends the pauses whose time is over.
func (s *sweeper) pause(ctx context.Context) error {
	listed, err := s.ledger.PausedQueues(ctx)
	if err != nil || len(listed) == 0 {
		return err
	}
	return s.pauseListed(ctx, listed)
}

// pauseListed does so for pauses that were listed a moment ago.
func (s *sweeper) pauseListed(ctx context.Context, listed []ledger.PausedQueue) error {
	for _, q := range listed {
		if err := s.pauseOne(ctx, q); err != nil {
			return err
		}
	}
	// A queue that was resumed since it was listed would stay paused in Redis for ever.
	now, err := s.ledger.PausedQueues(ctx)
	if err != nil {
		return err
	}
	for _, q := range listed {
		if slices.ContainsFunc(now, func(p ledger.PausedQueue) bool { return p.Name == q.Name }) {
			continue
		}
		if err := s.desk.Resume(ctx, q.Name); err != nil {
			return err
		}
	}
	return nil
}

// pauseOne pauses a queue in Redis as it was listed, or ends its pause.
func (s *sweeper) pauseOne(ctx context.Context, q ledger.PausedQueue) error {
	if !q.Over() {
		return s.desk.Pause(ctx, q.Name, q.Left)
	}
	// Redis first: a sweep that is cut off here finds the pause again.
	if err := s.desk.Resume(ctx, q.Name); err != nil {
		return err
	}
	ended, err := s.ledger.EndPause(ctx, q.Name)
	if ended {
		s.log.InfoContext(ctx, "the time of a pause is over", "queue", q.Name, "pausedBy", q.By, "note", q.Note)
	}
	return err
}
