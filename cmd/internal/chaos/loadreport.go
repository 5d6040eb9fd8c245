package chaos

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"text/tabwriter"
	"time"
)

// maxGrowth is how much the memory of serve may grow over the last half: 1 %.
const maxGrowth = 0.01

// LoadReport is what a load run showed.
type LoadReport struct {
	// Capacity and Rate are announcements in a second: what the machine takes, from the door
	// to the end of the check, and what was sent.
	Capacity, Rate float64
	// For is how long, Stop how much of it without Redis.
	For, Stop time.Duration
	// Phases are the ramp and what came before, during and after the standstill.
	Phases []Phase
	// RSS is the resident set of serve in bytes, second by second.
	RSS []float64
	// Accepted were answered with 202. Of them Unknown are not in the ledger and
	// Unchecked were never looked at: both are lost.
	Accepted, Unknown, Unchecked int
	// Drained is how long the worker took after the last announcement.
	Drained time.Duration

	began, stopped, resumed time.Time
}

// Phase counts the answers of a part of the run.
type Phase struct {
	Name string
	// Sent is the sum of the others. None had no answer.
	Sent, Accepted, Unavailable, Other, None int
	// P50, P99 and Max are from when an announcement was due until its answer.
	P50, P99, Max time.Duration
}

// judge fills in phases and losses.
func (r *LoadReport) judge(answers []announced, known, checked map[string]bool) {
	names := []string{"ramp", "before", "during", "after"}
	parts := make([][]announced, len(names))
	for _, a := range answers {
		i := 1
		switch {
		case a.ramp:
			i = 0
		case a.due.After(r.resumed):
			i = 3
		case a.due.After(r.stopped):
			i = 2
		}
		parts[i] = append(parts[i], a)
		if a.status != http.StatusAccepted {
			continue
		}
		r.Accepted++
		switch {
		case !known[a.key]:
			r.Unknown++
		case !checked[a.key]:
			r.Unchecked++
		}
	}
	for i, part := range parts {
		r.Phases = append(r.Phases, phase(names[i], part))
	}
}

func phase(name string, answers []announced) Phase {
	p := Phase{Name: name, Sent: len(answers)}
	took := make([]time.Duration, 0, len(answers))
	for _, a := range answers {
		took = append(took, a.took)
		switch a.status {
		case http.StatusAccepted:
			p.Accepted++
		case http.StatusServiceUnavailable:
			p.Unavailable++
		case 0:
			p.None++
		default:
			p.Other++
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		p.P50, p.P99, p.Max = took[len(took)/2], took[len(took)*99/100], took[len(took)-1]
	}
	return p
}

// Growth is by what part the memory of serve grows over the last half of the run, along
// the straight line that fits its samples best; 0 where there are too few.
func (r *LoadReport) Growth() float64 {
	y := r.RSS[len(r.RSS)/2:]
	n := float64(len(y))
	if n < 2 {
		return 0
	}
	var sx, sy, sxx, sxy float64
	for i, v := range y {
		x := float64(i)
		sx, sy, sxx, sxy = sx+x, sy+v, sxx+x*x, sxy+x*v
	}
	slope := (n*sxy - sx*sy) / (n*sxx - sx*sx)
	start := (sy - slope*sx) / n
	if start <= 0 {
		return 0 // no memory that could be read
	}
	return slope * (n - 1) / start
}

// Broken names the rules that the run broke; none is a pass.
func (r *LoadReport) Broken() (broken []string) {
	rule := func(bad bool, format string, args ...any) {
		if bad {
			broken = append(broken, fmt.Sprintf(format, args...))
		}
	}
	for _, p := range r.Phases {
		rule(p.Other+p.None > 0, "%s: %d answers were neither 202 nor 503", p.Name, p.Other+p.None)
		rule(p.Accepted == 0, "%s: nothing was accepted", p.Name)
	}
	rule(r.Unknown > 0, "%d accepted are not in the ledger", r.Unknown)
	rule(r.Unchecked > 0, "%d accepted were never checked", r.Unchecked)
	rule(len(r.RSS) < 2 || slices.Min(r.RSS) <= 0, "the memory of serve was not seen")
	rule(r.Growth() >= maxGrowth, "the memory of serve grows by %.2f %% over the last half", 100*r.Growth())
	return broken
}

// Print writes the table.
func (r *LoadReport) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	_, _ = fmt.Fprintln(t, "| phase\t| sent\t| 202\t| 503\t| other\t| none\t| p50 ms\t| p99 ms\t| max ms\t|")
	_, _ = fmt.Fprintln(t, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	for _, p := range r.Phases {
		_, _ = fmt.Fprintf(t, "| %s\t| %d\t| %d\t| %d\t| %d\t| %d\t| %.1f\t| %.1f\t| %.1f\t|\n",
			p.Name, p.Sent, p.Accepted, p.Unavailable, p.Other, p.None, ms(p.P50), ms(p.P99), ms(p.Max))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	first, last := 0.0, 0.0
	if len(r.RSS) > 0 {
		first, last = r.RSS[0], r.RSS[len(r.RSS)-1]
	}
	_, err := fmt.Fprintf(w, "capacity %.0f/s, sent %.0f/s for %s, Redis stopped for %s\n"+
		"serve: RSS %.1f MB at first, %.1f MB at last, %+.2f %% over the last half\n"+
		"accepted %d, lost %d (not in the ledger %d, never checked %d), at rest after %.0f s\n",
		r.Capacity, r.Rate, r.For, r.Stop, first/1e6, last/1e6, 100*r.Growth(),
		r.Accepted, r.Unknown+r.Unchecked, r.Unknown, r.Unchecked, r.Drained.Seconds())
	return err
}

// seconds writes a line for each second of the run: what was sent in it, its latencies in
// milliseconds, and the resident set of serve in bytes.
func (r *LoadReport) seconds(w io.Writer, answers []announced) error {
	if _, err := fmt.Fprintln(w, "second\tsent\taccepted\tp50\tmax\trss"); err != nil {
		return err
	}
	parts := make([][]announced, len(r.RSS))
	for _, a := range answers {
		if i := int(a.due.Sub(r.began) / time.Second); !a.ramp && i < len(parts) {
			parts[i] = append(parts[i], a)
		}
	}
	for i, part := range parts {
		p := phase("", part)
		if _, err := fmt.Fprintf(w, "%d\t%d\t%d\t%.1f\t%.1f\t%.0f\n", i, p.Sent, p.Accepted, ms(p.P50), ms(p.Max), r.RSS[i]); err != nil {
			return err
		}
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
