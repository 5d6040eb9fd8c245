package thumb

import (
	"fmt"
	"math"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// limitMemory lets the address space of this process grow by at most n bytes. What it has
// now counts nothing: a Go process reserves far more than it uses.
func limitMemory(n int64) error {
	stat, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return err
	}
	var pages uint64
	if _, err := fmt.Sscan(string(stat), &pages); err != nil {
		return err
	}
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_AS, &now); err != nil {
		return err
	}
	most := min(pages*uint64(os.Getpagesize())+uint64(max(n, 0)), now.Max) //nolint:gosec // neither is negative
	return syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: most, Max: most})
}

// limitChild limits a process that has just begun: its address space in bytes, its time on
// the processor in whole seconds, and that it writes no file and leaves no core behind.
func limitChild(pid int, memory int64, cpu time.Duration) error {
	for resource, most := range map[int]uint64{
		unix.RLIMIT_AS:    uint64(max(memory, 0)), //nolint:gosec // not negative
		unix.RLIMIT_CPU:   uint64(math.Ceil(cpu.Seconds())),
		unix.RLIMIT_FSIZE: 0,
		unix.RLIMIT_CORE:  0,
	} {
		if err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: most, Max: most}, nil); err != nil {
			return err
		}
	}
	return nil
}
