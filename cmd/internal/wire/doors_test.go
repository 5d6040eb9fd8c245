package wire_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/producer/auth"
)

// hang is how long a test waits for what must happen.
const hang = 30 * time.Second

// door serves an App over TCP as the command does, and gives the address.
func door(t *testing.T, change ...func(*config.Config)) (*wire.App, string) {
	t.Helper()
	cfg := valid(t)
	for _, f := range change {
		f(cfg)
	}
	app := open(t, cfg)
	h, err := app.Handler()
	require.NoError(t, err)
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := ln.Addr().String()
	ln, err = app.Listener(ln)
	require.NoError(t, err)
	srv := app.Server(h)
	srv.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	served := make(chan struct{})
	go func() { defer close(served); _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close(); <-served })
	return app, address
}

// reply is an answer that was read to its end.
type reply struct {
	status, proto int
	header        http.Header
	body          string
}

// send writes what a client sends and gives the first answer. The writing goes on beside
// the reading, until it ends or the server hangs up.
func send(t *testing.T, address string, write func(io.Writer, *net.TCPConn) error) reply {
	t.Helper()
	raw, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	conn := raw.(*net.TCPConn)
	require.NoError(t, conn.SetDeadline(time.Now().Add(hang)))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_ = write(conn, conn)
	}()
	defer func() { _ = conn.Close(); <-sent }()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return reply{res.StatusCode, res.ProtoMajor, res.Header, string(body)}
}

func post(headers, body string) string {
	return "POST /v1/uploads HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + announcer + "\r\n" + headers + "\r\n" + body
}

// endless repeats text until the connection ends.
func endless(w io.Writer, text string) error {
	for {
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
}

func text(s string) func(io.Writer, *net.TCPConn) error {
	return func(w io.Writer, _ *net.TCPConn) error { _, err := io.WriteString(w, s); return err }
}

// TestHostileClients: whatever a client sends has a proper status and a JSON body, in
// bounded time, and leaves no row.
func TestHostileClients(t *testing.T) {
	t.Parallel()
	app, address := door(t, func(c *config.Config) {
		c.HTTP.Progress = config.Progress{Bytes: config.MiB, Every: 300 * time.Millisecond, AtMost: time.Minute}
	})
	sized := func(body string) string { return post(fmt.Sprintf("Content-Length: %d\r\n", len(body)), body) }
	const good = `{"files":["users/o1/1.jpg"]}`
	type client = func(io.Writer, *net.TCPConn) error
	for _, tt := range []struct {
		name   string
		client client
		status int
		code   string
	}{
		{"1 GiB", func(w io.Writer, _ *net.TCPConn) error {
			_, _ = io.WriteString(w, post("Content-Length: 1073741824\r\n", ""))
			return endless(w, strings.Repeat("x", 64<<10))
		}, 413, "BODY_TOO_LARGE"},
		{"1 GiB without a key", func(w io.Writer, _ *net.TCPConn) error {
			_, _ = io.WriteString(w, "POST /v1/uploads HTTP/1.1\r\nHost: h\r\nContent-Length: 1073741824\r\n\r\n")
			return endless(w, strings.Repeat("x", 64<<10))
		}, 401, "UNAUTHORIZED"},
		{"endless chunks", func(w io.Writer, _ *net.TCPConn) error {
			_, _ = io.WriteString(w, post("Transfer-Encoding: chunked\r\n", ""))
			return endless(w, "1000\r\n"+strings.Repeat("x", 4096)+"\r\n")
		}, 413, "BODY_TOO_LARGE"},
		{"a million records", text(sized(`{"files":[` + strings.Repeat(`"a",`, 1_000_000) + `"a"]}`)), 413, "BODY_TOO_LARGE"},
		{"body ends early", func(w io.Writer, c *net.TCPConn) error {
			_, _ = io.WriteString(w, post("Content-Length: 1000\r\n", good))
			return c.CloseWrite()
		}, 400, "BODY_UNREADABLE"},
		{"body never ends", text(post("Content-Length: 1000\r\n", good)), 408, "BODY_TOO_SLOW"},
		{"chunk never ends", text(post("Transfer-Encoding: chunked\r\n", "ff\r\n"+good)), 408, "BODY_TOO_SLOW"},
		{"a byte at a time", func(w io.Writer, c *net.TCPConn) error {
			_ = c.SetNoDelay(true)
			_, _ = io.WriteString(w, post("Content-Length: 500000\r\n", "{"))
			for range 40 {
				if _, err := io.WriteString(w, " "); err != nil {
					return err
				}
			}
			return nil
		}, 408, "BODY_TOO_SLOW"},
		{"body is longer than it says", text(post("Content-Length: 5\r\n", good)), 400, "BAD_JSON"},
		{"two lengths", text(post("Content-Length: 28\r\nContent-Length: 29\r\n", good)), 400, "BAD_REQUEST"},
		{"negative length", text(post("Content-Length: -1\r\n", good)), 400, "BAD_REQUEST"},
		{"length in words", text(post("Content-Length: many\r\n", good)), 400, "BAD_REQUEST"},
		{"length beyond 64 bits", text(post("Content-Length: 99999999999999999999\r\n", good)), 400, "BAD_REQUEST"},
		{"other transfer encoding", text(post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")), 501, "BAD_REQUEST"},
		{"bad chunk", text(post("Transfer-Encoding: chunked\r\n", "zz\r\n"+good)), 400, "BODY_UNREADABLE"},
		{"compressed", text(post(fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n", len(good)), good)), 415, "ENCODING_NOT_SUPPORTED"},
		{"10,000 deep", text(sized(strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000))), 400, "BAD_JSON"},
		{"10,000 deep in a field", text(sized(`{"files":` + strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_001))), 400, "BAD_JSON"},
		{"field twice", text(sized(`{"files":["users/o1/1.jpg"],"files":["users/o2/1.jpg"]}`)), 400, "DUPLICATE_FIELD"},
		{"not UTF-8", text(sized("{\"files\":[\"users/o1/\xff.jpg\"]}")), 400, "BAD_JSON"},
		{"1 MiB header", text("POST /v1/uploads HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"), 431, "HEADER_TOO_LARGE"},
		{"1 MiB address", text("POST /v1/" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: h\r\n\r\n"), 431, "HEADER_TOO_LARGE"},
		{"endless headers", func(w io.Writer, _ *net.TCPConn) error {
			_, _ = io.WriteString(w, "POST /v1/uploads HTTP/1.1\r\nHost: h\r\n")
			return endless(w, "X: "+strings.Repeat("x", 100)+"\r\n")
		}, 431, "HEADER_TOO_LARGE"},
		{"not HTTP", text("\x16\x03\x01 hello\r\n\r\n"), 400, "BAD_REQUEST"},
		{"header without a colon", text(post("nothing\r\n", "")), 400, "BAD_REQUEST"},
		{"header folded", text(post("X: a\r\n b\r\nContent-Length: 2\r\nbad header : x\r\n", "{}")), 400, "BAD_REQUEST"},
		{"no host", text("POST /v1/uploads HTTP/1.1\r\n\r\n"), 400, "BAD_REQUEST"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res := send(t, address, tt.client)
			require.Equal(t, tt.status, res.status, res.body)
			var answer map[string]string
			require.NoError(t, json.Unmarshal([]byte(res.body), &answer), res.body)
			require.Len(t, answer, 3)
			require.Equal(t, tt.code, answer["code"])
			require.NotEmpty(t, answer["message"])
			require.NotEmpty(t, answer["requestId"])
			require.Equal(t, res.header.Get("X-Request-Id"), answer["requestId"])
			require.Equal(t, "application/json; charset=utf-8", res.header.Get("Content-Type"))
			uploads, err := app.Ledger.Uploads(t.Context(), "", 10)
			require.NoError(t, err)
			require.Empty(t, uploads, "no row")
		})
	}
}

// TestHonestAmongHostile: five hundred connections that send nothing more do not keep an
// honest client out.
func TestHonestAmongHostile(t *testing.T) {
	t.Parallel()
	app, address := door(t)
	for range 500 {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		_, err = io.WriteString(c, "POST /v1/uploads HTTP/1.1\r\nHost: h\r\nX: ")
		require.NoError(t, err)
	}
	res := send(t, address, text(post("Content-Length: 28\r\n", `{"files":["users/o1/1.jpg"]}`)))
	require.Equal(t, 202, res.status, res.body)
	uploads, err := app.Ledger.Uploads(t.Context(), "", 10)
	require.NoError(t, err)
	require.Len(t, uploads, 1)
}

// pipe is a listener with one connection in memory, on the clock of a bubble.
type pipe struct {
	conn chan net.Conn
	done chan struct{}
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conn:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error   { close(p.done); return nil }
func (p *pipe) Addr() net.Addr { return &net.TCPAddr{} }

// TestSlowHeader: a header that is late ends the connection within its five seconds, also
// when a byte comes now and then, and no handler is asked.
func TestSlowHeader(t *testing.T) {
	t.Parallel()
	for _, begin := range []string{"", "x", "POST /v1/uploads HTTP/1.1\r\nHost: h\r\nX: "} {
		synctest.Test(t, func(t *testing.T) {
			p := &pipe{make(chan net.Conn), make(chan struct{})}
			srv := wire.Server(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("asked") }))
			served, sent := make(chan struct{}), make(chan struct{})
			go func() { defer close(served); _ = srv.Serve(auth.JSONAnswers(p)) }()
			defer func() { _ = srv.Close(); <-served }()
			client, server := net.Pipe()
			p.conn <- server
			start := time.Now()
			go func() {
				defer close(sent)
				if _, err := io.WriteString(client, begin); err == nil && begin != "" {
					_ = endlessly(client, time.Second, "x")
				}
			}()
			got, err := io.ReadAll(client)
			require.NoError(t, err)
			require.Less(t, time.Since(start), 6*time.Second)
			if len(got) > 0 {
				require.Contains(t, string(got), "HTTP/1.1 400 ")
				require.Contains(t, string(got), `"code":"BAD_REQUEST"`)
			}
			<-sent
		})
	}
}

// endlessly writes text after each pause until the connection ends.
func endlessly(w io.Writer, pause time.Duration, text string) error {
	for {
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
		time.Sleep(pause)
	}
}
