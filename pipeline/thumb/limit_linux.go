package thumb

import (
	"fmt"
	"os"
	"syscall"
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
