package probe_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
)

// Not parallel: it counts what the process allocates.
func TestBombsAreRefusedFromTheHeader(t *testing.T) {
	policy := pipeline.Policy{
		Types: []string{"image/png", "image/jpeg", "image/gif", "image/webp"}, MaxImageBytes: 20e6, MaxPixels: 50e6, MaxFrames: 500,
	}
	for name, bomb := range map[string][]byte{
		"bomb.png": samples.PNGBomb(), "bomb.jpg": samples.JPEGBomb(), "bomb.gif": samples.GIFBomb(), "bomb.webp": samples.WebPBomb(),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		facts, need := probe.Detect(bomb, int64(len(bomb)))
		code, detail := policy.Judge(name, int64(len(bomb)), facts)
		runtime.ReadMemStats(&after)
		require.Zero(t, need, name)
		require.Equal(t, pipeline.CodeTooManyPixels, code, "%s: %s", name, detail)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), name)
	}
}
