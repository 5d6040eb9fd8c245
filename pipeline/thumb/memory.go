package thumb

import (
	"os"
	"runtime/debug"
)

// besides is what a process that makes thumbnails may take beside its budget, as the
// garbage collector counts it, in bytes.
const besides = 32 << 20

// LimitMemory has the garbage collector keep this process near an Engine's budget: what is
// not used any more is let go of before more memory is taken. Without it a Go process grows
// to twice what it uses. It is for the process that runs the Engine, and leaves a
// GOMEMLIMIT of the environment alone.
func LimitMemory(budget int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(budget + besides)
	}
}
