package thumb

import (
	"os"
	"runtime/debug"
)

// The garbage collector keeps a process near budget + besides bytes, but at no fewer than
// least, or it would run all the time beside a small budget. A worker has 64 MB beside its
// budget: 36 for its program, a few for threads and the database, and the rest for what
// images take above the limit before the collector has run. What an image takes is counted
// generously, so that the other objects of the process have room within the budget.
const (
	besides = 8 << 20
	least   = 48 << 20
)

// LimitMemory has the garbage collector keep this process near an Engine's budget: what is
// not used any more is let go of before more memory is taken. Without it a Go process grows
// to twice what it uses. It is for the process that runs the Engine, and leaves a
// GOMEMLIMIT of the environment alone.
func LimitMemory(budget int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(max(budget+besides, least))
	}
}
