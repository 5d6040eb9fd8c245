package main

import (
	"fmt"
	"io"
)

// table prints Markdown, so that a run can be pasted into a page as it is.
type table struct {
	w                io.Writer
	races, qualities bool
}

func newTable(w io.Writer) *table { return &table{w: w} }

// race prints a row and gives 1 where what must be met is missed.
func (t *table) race(o outcome) int {
	if !t.races {
		t.races = true
		_, _ = fmt.Fprint(t.w, "\n| id | what | ours, ms CPU | theirs | ours / theirs, warm (least..most) | whole process | peak RSS MiB, ours / theirs | must | goal | |\n|---|---|---|---|---|---|---|---|---|---|\n")
	}
	must, goal := limit(o.must, o.mustRSS), limit(o.goal, o.goalRSS)
	verdict, missed := "goal met", 0
	switch {
	case !o.met(o.must, o.mustRSS):
		verdict, missed = "**missed**", 1
	case !o.met(o.goal, o.goalRSS):
		verdict = "must met"
	}
	_, _ = fmt.Fprintf(t.w, "| %s | %s | %.1f | %.1f | %.3f (%.3f..%.3f) | %.3f | %.0f / %.0f | %s | %s | %s |\n",
		o.id, o.what, o.ours.warm, o.theirs.warm, o.ratio, o.lowRatio, o.topRatio, o.wholeRatio, o.ours.rss, o.theirs.rss, must, goal, verdict)
	return missed
}

func limit(ratio, rss float64) string {
	if rss == 0 {
		return fmt.Sprintf("%.2f", ratio)
	}
	return fmt.Sprintf("%.2f; %.0f MiB", ratio, rss)
}

// quality prints rows and gives how many miss what they must.
func (t *table) quality(rows []qualityRow) int {
	if !t.qualities {
		t.qualities = true
		_, _ = fmt.Fprint(t.w, "\n| id | what | ours | theirs | must | |\n|---|---|---|---|---|---|\n")
	}
	missed := 0
	for _, r := range rows {
		verdict := "met"
		if !r.met {
			verdict = "**missed**"
			missed++
		}
		_, _ = fmt.Fprintf(t.w, "| %s | %s | %s | %s | %s | %s |\n", r.id, r.what, r.ours, r.theirs, r.must, verdict)
	}
	return missed
}
