//go:build !amd64 || purego

package resample

func newPasses() passes { return new(swar) }
