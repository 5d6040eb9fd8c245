package thumb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb"
)

// TestMain is the child of the tests below when it is called as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 4 && os.Args[2] == "mixed" {
		budget, _ := strconv.ParseInt(os.Args[4], 10, 64)
		os.Exit(mixed(os.Args[3], budget))
	}
	if len(os.Args) > 2 && os.Args[1] == "child" {
		os.Exit(child(os.Args[2]))
	}
	if kind, ok := strings.CutPrefix(filepath.Base(os.Args[0]), "ffmpeg-"); ok {
		os.Exit(odd(kind))
	}
	goleak.VerifyTestMain(m)
}

// child is a child that does as it is told and then behaves as the named one does.
func child(kind string) int {
	end := func(sig syscall.Signal) {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = syscall.Kill(os.Getpid(), sig)
		select {}
	}
	switch kind {
	case "killed":
		end(syscall.SIGKILL)
	case "stopped":
		end(syscall.SIGTERM)
	case "hanging":
		<-time.After(time.Hour)
	case "garbage":
		fmt.Fprintln(os.Stdout, `{"thumbnails":[{"Pre`)
		return 0
	case "silent":
		return 0
	case "fewer":
		fmt.Fprintln(os.Stdout, `{"thumbnails":[]}`)
		return 0
	case "strange":
		fmt.Fprintln(os.Stdout, `{"failure":{"class":"fun"}}`)
		return 0
	case "panicking":
		panic("boom")
	case "env":
		fmt.Fprintf(os.Stdout, `{"failure":{"class":"invalid","op":"env","cause":%q}}`, strings.Join(os.Environ(), " "))
		return 0
	case "chatty":
		for err := error(nil); err == nil; {
			_, err = os.Stdout.Write(make([]byte, 1<<20))
		}
		return 0
	}
	if err := thumb.Child(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func isolated(t testing.TB, kind string, opt thumb.IsolatedOptions) *thumb.Isolated {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	opt.Command = []string{exe, "child", kind}
	i, err := thumb.NewIsolated(opt)
	require.NoError(t, err)
	return i
}

// through runs an image through any Thumbnailer.
func through(ctx context.Context, e pipeline.Thumbnailer, data []byte, presets []pipeline.Preset) ([]pipeline.Thumbnail, error) {
	facts, _ := probe.Detect(data, int64(len(data)))
	return e.Thumbnails(ctx, bytes.NewReader(data), facts, int64(len(data)), presets)
}

func TestIsolatedIsTheSameAsInProcess(t *testing.T) {
	t.Parallel()
	opt := thumb.Options{MaxPixels: 200_000}
	engine, apart := newEngine(t, opt), isolated(t, "good", thumb.IsolatedOptions{Engine: opt})
	for _, f := range append(samples.Ordinary(), samples.Hostile()...) {
		presets := box(160, 40)
		want, werr := through(t.Context(), engine, f.Data, presets)
		got, err := through(t.Context(), apart, f.Data, presets)
		require.Equal(t, pipeline.ClassOf(werr), pipeline.ClassOf(err), "%s: %v", f.Name, err)
		require.Equal(t, pipeline.CodeOf(werr), pipeline.CodeOf(err), f.Name)
		require.Equal(t, fmt.Sprint(werr), fmt.Sprint(err), f.Name)
		require.Equal(t, want, got, f.Name)
	}
}

func TestIsolatedChildren(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		kind  string
		class pipeline.Class
		says  string
	}{
		{"killed", pipeline.Poison, "signal: killed"},
		{"stopped", pipeline.Transient, "asked to end"},
		{"garbage", pipeline.Poison, "no answer"},
		{"silent", pipeline.Poison, "no answer"},
		{"fewer", pipeline.Poison, "other thumbnails"},
		{"strange", pipeline.Poison, `unknown class "fun"`},
		{"panicking", pipeline.Poison, "panic: boom"},
		{"chatty", pipeline.Poison, "killed the process"},
	} {
		t.Run(tc.kind, func(t *testing.T) {
			t.Parallel()
			_, err := through(t.Context(), isolated(t, tc.kind, thumb.IsolatedOptions{}), samples.Ordinary()[0].Data, box(10))
			require.Equal(t, tc.class, pipeline.ClassOf(err), "%v", err)
			require.ErrorContains(t, err, tc.says)
		})
	}
}

func TestIsolatedHangingChildIsKilled(t *testing.T) {
	t.Parallel()
	i := isolated(t, "hanging", thumb.IsolatedOptions{})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, 2) // the second waits for its turn
	for n := range errs {
		wg.Go(func() { _, errs[n] = through(ctx, i, samples.Ordinary()[0].Data, box(10)) })
	}
	wg.Wait()
	for _, err := range errs {
		require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
}

func TestIsolatedRunsOneAtATime(t *testing.T) {
	t.Parallel()
	i := isolated(t, "good", thumb.IsolatedOptions{})
	data := samples.Ordinary()[0].Data
	facts, _ := probe.Detect(data, int64(len(data)))
	first, release := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := i.Thumbnails(context.WithoutCancel(t.Context()), first, facts, int64(len(data)), box(10))
		done <- err
	}()
	_, err := release.Write(data[:1]) // it has its turn
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = through(ctx, i, data, box(10))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = release.Write(data[1:])
	require.NoError(t, err)
	require.NoError(t, release.Close())
	require.NoError(t, <-done)
}

func TestIsolatedGivesNoSecretsAway(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, os.Environ())
	_, err := through(t.Context(), isolated(t, "env", thumb.IsolatedOptions{}), samples.Ordinary()[0].Data, box(10))
	require.EqualError(t, errors.Unwrap(err), "")
}

func TestIsolatedFailuresOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, opt := range []thumb.IsolatedOptions{{}, {Command: []string{"x"}, Memory: -1}, {Command: []string{"x"}, Engine: thumb.Options{MaxScans: -1}}} {
		_, err := thumb.NewIsolated(opt)
		require.Error(t, err)
	}
	i, err := thumb.NewIsolated(thumb.IsolatedOptions{Command: []string{"/nonexistent"}})
	require.NoError(t, err)
	_, err = through(t.Context(), i, samples.Ordinary()[0].Data, box(10))
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err), "a child that cannot start accuses nobody")
	denied := pipeline.Errorf(pipeline.Denied, "store.get", "a.jpg", "403")
	_, err = i.Thumbnails(t.Context(), iotest.ErrReader(denied), pipeline.Facts{Type: probe.TypeJPEG}, 10, box(10))
	require.Equal(t, pipeline.Denied, pipeline.ClassOf(err), "nor does a source that fails")
	require.Error(t, thumb.Child(t.Context(), strings.NewReader("no line"), io.Discard))
	require.Error(t, thumb.Child(t.Context(), strings.NewReader("no JSON\n"), io.Discard))
}
