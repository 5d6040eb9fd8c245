package thumb_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb"
	"github.com/afterput/afterput/pipeline/thumb/jpeg/jpegtest"
)

const (
	mixedBudget = 64 << 20
	at          = 10 // a time
)

// mixed is a child that makes thumbnails of every file of a folder, many at a time and each
// several times, and tells its peak memory.
func mixed(dir string, budget int64) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	thumb.LimitMemory(budget)
	e, err := thumb.New(thumb.Options{Budget: budget})
	if err != nil {
		return fail(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return fail(err)
	}
	errs := make(chan error, at*len(files))
	var wg sync.WaitGroup
	for range at {
		wg.Go(func() {
			for _, name := range files {
				errs <- fromDisk(e, name)
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return fail(err)
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return fail(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	_, _ = fmt.Fprintln(os.Stdout, strings.Fields(rest)[0])
	return 0
}

func fromDisk(e *thumb.Engine, name string) error {
	f, err := os.Open(name) //nolint:gosec // of the test
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	head := make([]byte, min(info.Size(), pipeline.ProbeBytes))
	if _, err := f.ReadAt(head, 0); err != nil {
		return err
	}
	facts, _ := probe.Detect(head, info.Size())
	made, err := e.Thumbnails(context.Background(), f, facts, info.Size(), box(160, 480, 1280))
	if err == nil && len(made) != 3 {
		err = fmt.Errorf("%s: %d thumbnails", name, len(made))
	}
	return err
}

// TestPeakMemory: whatever comes at a time, the process stays within the budget and 64 MB.
func TestPeakMemory(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || raced {
		t.Skip("only Linux tells the peak, and the race detector takes memory of its own")
	}
	dir := t.TempDir()
	progressive := jpegtest.New(1600, 1200, []jpegtest.Factors{twice, full, full}, 1)
	for name, data := range map[string][]byte{
		"progressive.jpg": jpegtest.Encode(progressive, jpegtest.Options{Progressive: true}),
		"baseline.jpg":    samples.Photo(samples.Options{Width: 4032, Height: 3024}),
		"lossless.webp":   samples.WebPLossless(1600, 1200, 0x803366cc),
		"small.png":       samples.PNG(900, 700),
		"small.jpg":       samples.Photo(samples.Options{Width: 400, Height: 300}),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), exe, "child", "mixed", dir, strconv.Itoa(mixedBudget)) //nolint:gosec // ourselves
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	require.NoError(t, err, said.String())
	kB, err := strconv.Atoi(strings.TrimSpace(string(out)))
	require.NoError(t, err)
	t.Logf("peak %d MB", kB>>10)
	require.Less(t, kB<<10, mixedBudget+64_000_000)
}
