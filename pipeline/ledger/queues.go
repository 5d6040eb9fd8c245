package ledger

import (
	"context"

	"github.com/afterput/afterput/pipeline"
)

// LettersOpen counts the open letters of one step and class. Step is empty for what is no
// task of ours, or no task at all.
type LettersOpen struct {
	Step  pipeline.Step
	Class pipeline.Class
	Count int
}

// OpenLetters counts the open letters by step and class.
func (l *Ledger) OpenLetters(ctx context.Context) ([]LettersOpen, error) {
	var rows []struct {
		Step  string `bun:"step"`
		Class string `bun:"class"`
		N     int    `bun:"n"`
	}
	err := l.db.NewRaw("SELECT step, class, COUNT(*) AS n FROM dead_letters WHERE state = 'open' GROUP BY step, class").Scan(ctx, &rows)
	out := make([]LettersOpen, 0, len(rows))
	for _, r := range rows {
		out = append(out, LettersOpen{Step: pipeline.Step(r.Step), Class: pipeline.Class(r.Class), Count: r.N})
	}
	return out, classed("openLetters", err)
}

// OpenLettersByStep counts the open letters of each step.
func (l *Ledger) OpenLettersByStep(ctx context.Context) (map[pipeline.Step]int, error) {
	open, err := l.OpenLetters(ctx)
	out := make(map[pipeline.Step]int, len(open))
	for _, o := range open {
		out[o.Step] += o.Count
	}
	return out, err
}
