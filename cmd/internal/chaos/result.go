package chaos

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Counts are what a run must not show. All zero is a pass.
type Counts struct {
	// Lost were accepted and are neither in their order nor in a letter.
	Lost int `json:"lost"`
	// Doubled are entries that stand twice and webhook-ids with two bodies.
	Doubled int `json:"doubled"`
	// Misplaced are orders whose entries are not in the chosen order.
	Misplaced int `json:"misplaced"`
	// Wrong are thumbnails that are missing, cannot be decoded, show another picture or
	// carry metadata, and originals that are not what was sent.
	Wrong int `json:"wrong"`
	// Half are files whose order shows them although a step of theirs never ended well.
	Half int `json:"half"`
	// Stuck are steps that are pending at the end, or tasks in the queue.
	Stuck int `json:"stuck"`
	// Ghosts are tasks in Redis that no list holds.
	Ghosts int `json:"ghosts"`
	// Stray are thumbnails that no accepted upload refers to.
	Stray int `json:"stray"`
	// Phantom are order entries that nobody sent or that were rejected.
	Phantom int `json:"phantom"`
	// Untold are uploads whose last webhook is not their outcome.
	Untold int `json:"untold"`
	// Letters are letters that nothing explains: innocents.
	Letters int `json:"letters"`
}

// Zero tells whether everything adds up.
func (c Counts) Zero() bool { return c == Counts{} }

// String names what is not zero.
func (c Counts) String() string {
	var parts []string
	for _, p := range []struct {
		name string
		n    int
	}{
		{"lost", c.Lost},
		{"doubled", c.Doubled},
		{"misplaced", c.Misplaced},
		{"wrong", c.Wrong},
		{"half", c.Half},
		{"stuck", c.Stuck},
		{"ghosts", c.Ghosts},
		{"stray", c.Stray},
		{"phantom", c.Phantom},
		{"untold", c.Untold},
		{"letters", c.Letters},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", p.name, p.n))
		}
	}
	if len(parts) == 0 {
		return "all zero"
	}
	return strings.Join(parts, " ")
}

// Result is what one run showed.
type Result struct {
	Row  Row
	On   Backends
	Seed uint64
	// Accepted is how many files were answered with 2xx.
	Accepted int
	Counts   Counts
	// Details says of the first counts what they are.
	Details []string
	// Recovery is the time from the end of the fault until everything had come to rest.
	Recovery time.Duration
	// Again is how many attempts were made beyond one for each run: allowed, and counted.
	Again int
	// PeakRSS is the most memory that one worker held, in bytes.
	PeakRSS int64
	// Fired is how often each fault hit.
	Fired map[string]int
	// Took is the whole run.
	Took time.Duration
	Err  error
}

// Passed tells whether the run showed what it must: zeros, or for a control counts, and
// a fault that fired.
func (r Result) Passed() bool {
	return r.Err == nil && len(r.Fired) > 0 && r.Counts.Zero() != r.Row.Control
}

func (r Result) line() string {
	verdict := "ok  "
	if !r.Passed() {
		verdict = "FAIL"
	}
	s := fmt.Sprintf("%s row %-3s on %s  seed %d  %5d files  %s  recovery %.1fs  took %.0fs  fired %s",
		verdict, r.Row.ID, r.On, r.Seed, r.Accepted, r.Counts, r.Recovery.Seconds(), r.Took.Seconds(), fired(r.Fired))
	if r.Err != nil {
		s += "  error: " + r.Err.Error()
	}
	if r.Passed() {
		return s
	}
	return strings.Join(append([]string{s}, r.Details...), "\n       ")
}

func fired(hits map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(hits)) {
		parts = append(parts, fmt.Sprintf("%s:%d", name, hits[name]))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ",")
}

// Table prints a line for each row, and tells how many rows passed and failed.
func Table(w io.Writer, results []Result) (passed, failed int, err error) {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	_, _ = fmt.Fprintln(t, "| row\t| fault\t| on\t| seeds\t| files\t| counts\t| fired\t| recovery s\t| again\t| peak RSS MB\t|")
	_, _ = fmt.Fprintln(t, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	for len(results) > 0 {
		id := results[0].Row.ID
		n := slices.IndexFunc(results, func(r Result) bool { return r.Row.ID != id })
		if n < 0 {
			n = len(results)
		}
		if rowLine(t, results[:n]) {
			passed++
		} else {
			failed++
		}
		results = results[n:]
	}
	return passed, failed, t.Flush()
}

// rowLine prints the runs of one row and tells whether all passed.
func rowLine(w io.Writer, runs []Result) bool {
	ok := true
	var (
		files, again int
		recovery     time.Duration
		rss          int64
		hits         = map[string]int{}
		counts       = "all zero"
	)
	for _, r := range runs {
		ok = ok && r.Passed()
		files, again = files+r.Accepted, again+r.Again
		recovery, rss = max(recovery, r.Recovery), max(rss, r.PeakRSS)
		for name, n := range r.Fired {
			hits[name] += n
		}
		switch {
		case r.Err != nil:
			counts = "error: " + r.Err.Error()
		case !r.Counts.Zero():
			counts = r.Counts.String()
		}
	}
	if !ok {
		counts = "FAIL: " + counts
	}
	_, _ = fmt.Fprintf(w, "| %s\t| %s\t| %s\t| %d\t| %d\t| %s\t| %s\t| %.1f\t| %d\t| %d\t|\n",
		runs[0].Row.ID, runs[0].Row.Name, runs[0].On, len(runs), files, counts, fired(hits), recovery.Seconds(), again, rss>>20)
	return ok
}
