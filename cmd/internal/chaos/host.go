package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// host lets the starters of the tests, which take a testing.TB, serve the battery: what
// would fail or skip a test is an error of host.do.
type host struct {
	// TB gives host the method that only package testing can write. Nobody calls into it.
	testing.TB

	ctx context.Context
	dir string

	mu       sync.Mutex
	folders  int
	cleanups []func()
	said     []string
}

// newHost makes one whose folders are in dir.
func newHost(ctx context.Context, dir string) *host { return &host{ctx: ctx, dir: dir} }

// do runs fn, which may call FailNow as in a test.
func (h *host) do(fn func()) error {
	done := make(chan struct{})
	ended := false
	go func() { // FailNow ends the goroutine that calls it
		defer close(done)
		fn()
		ended = true
	}()
	<-done
	h.mu.Lock()
	defer h.mu.Unlock()
	said := strings.Join(h.said, "\n")
	h.said = nil
	switch {
	case said != "":
		return errors.New(said)
	case !ended:
		return errors.New("a server did not start, and did not say why")
	}
	return nil
}

// close runs what was left to the end.
func (h *host) close() {
	for _, cleanup := range slices.Backward(h.cleanups) {
		_ = h.do(cleanup) // a database that cannot be dropped goes with its server
	}
}

func (h *host) note(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said = append(h.said, strings.TrimSpace(text))
}

// Helper, and what follows, is what the starters call of a testing.TB.
func (h *host) Helper() {}

func (h *host) Name() string { return filepath.Base(h.dir) }

func (h *host) Context() context.Context { return h.ctx }

func (h *host) Cleanup(fn func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cleanups = append(h.cleanups, fn)
}

func (h *host) TempDir() string {
	h.mu.Lock()
	h.folders++
	dir := filepath.Join(h.dir, fmt.Sprint(h.folders))
	h.mu.Unlock()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		h.Fatal(err)
	}
	return dir
}

func (h *host) Failed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.said) > 0
}

func (h *host) Log(...any)          {}
func (h *host) Logf(string, ...any) {}

func (h *host) Error(args ...any)                 { h.note(fmt.Sprint(args...)) }
func (h *host) Errorf(format string, args ...any) { h.note(fmt.Sprintf(format, args...)) }
func (h *host) FailNow()                          { runtime.Goexit() }

func (h *host) Fatal(args ...any) {
	h.Error(args...)
	h.FailNow()
}

func (h *host) Fatalf(format string, args ...any) {
	h.Errorf(format, args...)
	h.FailNow()
}

// Skip and Skipf say what is not installed: a run cannot go on without it.
func (h *host) Skip(args ...any)                 { h.Fatal(args...) }
func (h *host) Skipf(format string, args ...any) { h.Fatalf(format, args...) }
