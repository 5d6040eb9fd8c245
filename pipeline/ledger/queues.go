package ledger

import (
	"context"

	"github.com/afterput/afterput/pipeline"
)

// OpenLettersByStep counts the open letters of each step.
func (l *Ledger) OpenLettersByStep(ctx context.Context) (map[pipeline.Step]int, error) {
	var rows []struct {
		Step string `bun:"step"`
		N    int    `bun:"n"`
	}
	err := l.db.NewRaw("SELECT step, COUNT(*) AS n FROM dead_letters WHERE state = 'open' GROUP BY step").Scan(ctx, &rows)
	out := make(map[pipeline.Step]int, len(rows))
	for _, r := range rows {
		out[pipeline.Step(r.Step)] = r.N
	}
	return out, classed("openLetters", err)
}
