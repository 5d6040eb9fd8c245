//go:build !linux

package thumb

import "time"

// limitMemory is left to the memory limit of the Go runtime where there is no better one.
func limitMemory(int64) error { return nil }

// limitChild leaves a child to its deadline and to the limits that its own flags set.
func limitChild(int, int64, time.Duration) error { return nil }
