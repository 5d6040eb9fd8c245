//go:build !linux

package thumb

// limitMemory is left to the memory limit of the Go runtime where there is no better one.
func limitMemory(int64) error { return nil }
