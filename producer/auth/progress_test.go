package auth_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/producer/auth"
)

// pipes is a listener whose connections are pipes in memory, with the clock of a bubble.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.done)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// watch serves h under a progress of 100 bytes in 10 s, a minute at most.
func watch(t *testing.T, h http.HandlerFunc) *pipes {
	t.Helper()
	p := &pipes{make(chan net.Conn), make(chan struct{})}
	srv := &http.Server{
		Handler: auth.Progress{Bytes: 100, Every: 10 * time.Second, AtMost: time.Minute}.Watch(h), ReadTimeout: time.Hour,
	}
	served := make(chan struct{})
	go func() { defer close(served); _ = srv.Serve(p) }()
	t.Cleanup(func() { _ = srv.Close(); <-served })
	return p
}

// take answers with how many bytes came, or why not.
func take(w http.ResponseWriter, r *http.Request) {
	b, err := auth.ReadBody(w, r, 1<<20)
	if err != nil {
		refusal := err.(*auth.Refusal) //nolint:errorlint // ReadBody says so
		w.WriteHeader(refusal.Status)
		_, _ = io.WriteString(w, refusal.Code)
		return
	}
	_, _ = fmt.Fprint(w, len(b))
}

// answer reads one answer.
func answer(t *testing.T, r *bufio.Reader) (int, string) {
	t.Helper()
	res, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(b)
}

func TestProgress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		total, piece  int
		pause         time.Duration
		status        int
		answer        string
		after, before time.Duration
	}{
		{"at once", 5000, 5000, 0, 200, "5000", 0, time.Second},
		{"slow and honest", 600, 100, 9 * time.Second, 200, "600", 40 * time.Second, time.Minute},
		{"a small one within its time", 2, 1, 8 * time.Second, 200, "2", 8 * time.Second, 10 * time.Second},
		{"silent", 100, 100, time.Hour, 408, "BODY_TOO_SLOW", 10 * time.Second, 11 * time.Second},
		{"a byte now and then", 100, 1, time.Second, 408, "BODY_TOO_SLOW", 10 * time.Second, 11 * time.Second},
		{"almost enough", 1000, 33, 4 * time.Second, 408, "BODY_TOO_SLOW", 10 * time.Second, 11 * time.Second},
		{"honest for too long", 100_000, 100, 9 * time.Second, 408, "BODY_TOO_SLOW", time.Minute, 61 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := watch(t, take)
				conn := p.dial()
				sent := make(chan struct{})
				defer func() { _ = conn.Close(); <-sent }()
				start := time.Now()
				go func() {
					defer close(sent)
					_, _ = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", tt.total)
					for sent := 0; sent < tt.total; sent += tt.piece {
						if sent > 0 || tt.pause == time.Hour {
							time.Sleep(tt.pause)
						}
						if _, err := io.WriteString(conn, strings.Repeat("x", min(tt.piece, tt.total-sent))); err != nil {
							return
						}
					}
				}()
				status, text := answer(t, bufio.NewReader(conn))
				require.Equal(t, tt.status, status)
				require.Equal(t, tt.answer, text)
				took := time.Since(start)
				require.GreaterOrEqual(t, took, tt.after)
				require.Less(t, took, tt.before)
			})
		})
	}
}

// TestProgressEnds: once a body is there, its deadline ends neither the work on it nor
// the connection.
func TestProgressEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := watch(t, func(w http.ResponseWriter, r *http.Request) {
			_, err := auth.ReadBody(w, r, 1000)
			if err != nil {
				return
			}
			select {
			case <-r.Context().Done():
				_, _ = io.WriteString(w, context.Cause(r.Context()).Error())
			case <-time.After(5 * time.Minute):
				_, _ = io.WriteString(w, "done")
			}
		})
		conn := p.dial()
		defer func() { _ = conn.Close() }()
		reader := bufio.NewReader(conn)
		for range 2 {
			_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}")
			require.NoError(t, err)
			status, text := answer(t, reader)
			require.Equal(t, 200, status)
			require.Equal(t, "done", text)
		}
	})
}

// TestProgressUnread: who is refused before the body was read cannot hold the connection
// with the rest of it.
func TestProgressUnread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := watch(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
		conn := p.dial()
		defer func() { _ = conn.Close() }()
		start := time.Now()
		_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nx")
		require.NoError(t, err)
		reader := bufio.NewReader(conn)
		status, _ := answer(t, reader)
		require.Equal(t, 401, status)
		_, err = reader.ReadByte()
		require.ErrorIs(t, err, io.EOF)
		require.Less(t, time.Since(start), 12*time.Second)
	})
}

// TestProgressCut: a body that ends early is told apart from a slow one.
func TestProgressCut(t *testing.T) {
	t.Parallel()
	var got error
	h := auth.Progress{}.Watch(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, got = auth.ReadBody(w, r, 1000) }))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", io.MultiReader(strings.NewReader("{"), &broken{}))
	require.NoError(t, err)
	h.ServeHTTP(&bareWriter{}, r)
	var refusal *auth.Refusal
	require.ErrorAs(t, got, &refusal)
	require.Equal(t, 400, refusal.Status)
	require.Equal(t, auth.CodeBodyUnreadable, refusal.Code)
}

type broken struct{}

func (*broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// bareWriter has no deadlines.
type bareWriter struct{}

func (*bareWriter) Header() http.Header         { return http.Header{} }
func (*bareWriter) Write(p []byte) (int, error) { return len(p), nil }
func (*bareWriter) WriteHeader(int)             {}

// TestReadBodyRefused: a client that is still sending reads why its body is refused, because
// the body is read on for a while.
func TestReadBodyRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		encoding string
		status   int
	}{
		"compressed": {"gzip", http.StatusUnsupportedMediaType},
		"too large":  {"identity", http.StatusRequestEntityTooLarge},
	} {
		body := strings.NewReader(strings.Repeat("x", 3<<20))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", body)
		r.Header.Set("Content-Encoding", tt.encoding)
		_, err := auth.ReadBody(httptest.NewRecorder(), r, 1<<20)
		var refusal *auth.Refusal
		require.ErrorAs(t, err, &refusal, name)
		require.Equal(t, tt.status, refusal.Status, name)
		require.Zero(t, body.Len(), name)
	}
}
