package doctor

import "context"

// Level is how bad a finding is.
type Level string

// The levels, from good to bad. Skip says that something could not be looked at.
const (
	OK   Level = "ok"
	Skip Level = "skip"
	Warn Level = "warn"
	Fail Level = "fail"
)

// Levels lists every level, from good to bad.
func Levels() []Level { return []Level{OK, Skip, Warn, Fail} }

// Finding is one thing that a check found.
type Finding struct {
	Level Level
	// What says what was found, without secrets.
	What string
	// Mend says what to do; empty where nothing is to be done.
	Mend string
}

// Check looks at one part of the surroundings.
type Check interface {
	// Name is one word, for reports and for --only.
	Name() string
	// Run gives at least one finding, and returns soon after ctx ends.
	Run(ctx context.Context) []Finding
}

// Result is a finding and the check that it is of.
type Result struct {
	Check string
	Finding
}

// Run runs checks one after the other.
func Run(ctx context.Context, checks []Check) []Result {
	var results []Result
	for _, c := range checks {
		for _, f := range c.Run(ctx) {
			results = append(results, Result{c.Name(), f})
		}
	}
	return results
}

// Count tells how many results have each level; levels without any are there as 0.
func Count(results []Result) map[Level]int {
	n := make(map[Level]int)
	for _, l := range Levels() {
		n[l] = 0
	}
	for _, r := range results {
		n[r.Level]++
	}
	return n
}
