//go:build !linux && !darwin

package wire

// freeDisk is not told here.
func freeDisk(string) (free uint64, ok bool) { return 0, false }
