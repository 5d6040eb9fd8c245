package cli

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A service that is told to stop while it is still starting has done so: a rollout that
// changes its mind is no failure.
func TestStoppedWhileStarting(t *testing.T) {
	t.Parallel()
	path, _ := world(t)
	env := []string{"AFTERPUT_AUTH_KEYS_0_NAME=shop", "AFTERPUT_AUTH_KEYS_0_SECRET=0123456789abcdef", "AFTERPUT_AUTH_KEYS_0_SCOPES=admin"}
	ctx, interrupt := context.WithCancelCause(context.WithoutCancel(t.Context()))
	interrupt(errInterrupted)
	for _, command := range []string{"serve", "worker"} {
		var out, errs bytes.Buffer
		require.Equal(t, exitOK, run(ctx, []string{command, "-c", path}, env, strings.NewReader(""), &out, &errs), "%s: %s", command, errs.String())
	}
}

// screen is a stderr that is read while a command writes to it.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// A worker answers on worker.listen while it runs.
func TestWorkerListens(t *testing.T) {
	t.Parallel()
	path, _ := world(t)
	ctx, interrupt := context.WithCancelCause(context.WithoutCancel(t.Context()))
	defer interrupt(errInterrupted)
	errs, ended := &screen{}, make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"worker", "--pool", "hooks", "-c", path}, []string{"AFTERPUT_WORKER_LISTEN=127.0.0.1:0"}, strings.NewReader(""), io.Discard, errs)
	}()
	client := &http.Client{Transport: &http.Transport{}}
	get := func(path string) (status int, body string) {
		at := regexp.MustCompile(`answering for the worker" listen=(\S+)`).FindStringSubmatch(errs.String())
		if at == nil {
			return 0, ""
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at[1]+path, nil)
		if err != nil {
			return 0, err.Error()
		}
		resp, err := client.Do(req)
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = resp.Body.Close() }()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	require.Eventually(t, func() bool {
		status, _ := get("/readyz")
		return status == http.StatusOK
	}, 30*time.Second, 20*time.Millisecond, "the worker is not ready")
	status, body := get("/metrics")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "afterput_steps_ended_total{")
	_, body = get("/healthz")
	require.Equal(t, "ok\n", body)
	client.CloseIdleConnections()

	interrupt(errInterrupted)
	require.Equal(t, exitOK, <-ended, errs.String())
}

// An address that nobody can listen on is told before the worker starts.
func TestWorkerCannotListen(t *testing.T) {
	t.Parallel()
	path, _ := world(t)
	r := doWith(t, []string{"AFTERPUT_WORKER_LISTEN=192.0.2.1:9464"}, "", "worker", "-c", path)
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.err, "worker.listen: ")
}
