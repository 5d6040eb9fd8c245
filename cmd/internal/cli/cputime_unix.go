//go:build unix

package cli

import (
	"syscall"
	"time"
)

// cpuTime is what all threads of the process have spent, in user mode and in the kernel.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
