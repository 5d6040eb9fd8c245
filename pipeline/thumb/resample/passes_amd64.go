//go:build !purego

package resample

import "golang.org/x/sys/cpu"

func newPasses() passes {
	if cpu.X86.HasAVX2 {
		return new(avx2)
	}
	return new(swar)
}
