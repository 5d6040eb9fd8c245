package wire_test

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
)

// The frames and flags of HTTP/2 that a hostile client needs (RFC 9113, 6).
const (
	frameHeaders      = 0x1
	frameReset        = 0x3
	frameSettings     = 0x4
	frameGoAway       = 0x7
	frameContinuation = 0x9

	endStream, endHeaders = 0x1, 0x4
	cancel, calm          = 0x8, 0xb // error codes
)

// h2 is a client that writes frames by hand.
type h2 struct {
	net.Conn
	// goAway has the error code of the server's GOAWAY, plus one; ended that it hung up.
	goAway atomic.Int64
	ended  chan struct{}
}

// dialH2 shakes hands and reads what the server says until it hangs up.
func dialH2(t *testing.T, address string) *h2 {
	t.Helper()
	// What is tried here is what comes after the handshake, not who signed.
	d := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}}
	conn, err := d.DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(hang)))
	c := &h2{Conn: conn, ended: make(chan struct{})}
	t.Cleanup(func() { _ = conn.Close(); <-c.ended })
	_, err = io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	require.NoError(t, err)
	require.NoError(t, c.frame(frameSettings, 0, 0, nil))
	go c.read()
	return c
}

func (c *h2) read() {
	defer close(c.ended)
	r := bufio.NewReader(c.Conn)
	for {
		var head [9]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(r, payload); err != nil {
			return
		}
		if head[3] == frameGoAway && len(payload) >= 8 {
			c.goAway.Store(int64(binary.BigEndian.Uint32(payload[4:])) + 1)
		}
	}
}

func (c *h2) frame(kind, flags byte, stream uint32, payload []byte) error {
	b := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	b = binary.BigEndian.AppendUint32(b, stream)
	_, err := c.Write(append(b, payload...))
	return err
}

// fields writes a header block without compression (RFC 7541, 6.2.2): name, value, ...
func fields(list ...string) []byte {
	var b []byte
	for i, s := range list {
		if i%2 == 0 {
			b = append(b, 0)
		}
		if n := len(s); n < 127 {
			b = append(b, byte(n))
		} else {
			b = append(b, 127)
			b = binary.AppendUvarint(b, uint64(n-127))
		}
		b = append(b, s...)
	}
	return b
}

func request2(more ...string) []byte {
	return fields(append([]string{":method", "POST", ":scheme", "https", ":authority", "h", ":path", "/v1/uploads"}, more...)...)
}

// overTLS is a door with a certificate, and a client of HTTP/2 for it that posts a body and
// gives the status; honest is one that posts a good one.
func overTLS(t *testing.T) (address string, honest func() int, posts func(body io.Reader) (int, string)) {
	t.Helper()
	certFile, keyFile := pair(t, t.TempDir(), 1)
	_, address = door(t, func(c *config.Config) {
		c.HTTP.TLS = config.TLS{CertFile: certFile, KeyFile: keyFile}
		c.HTTP.Progress = config.Progress{Bytes: config.MiB, Every: 300 * time.Millisecond, AtMost: time.Minute}
	})
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	posts = func(body io.Reader) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+address+"/v1/uploads", body)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+announcer)
		res, err := transport.RoundTrip(req)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		require.Equal(t, 2, res.ProtoMajor)
		answer, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(answer)
	}
	honest = func() int {
		status, _ := posts(strings.NewReader(served))
		return status
	}
	return address, honest, posts
}

// TestSlowBodyHTTP2: the rule of progress holds for each stream, and ends no other.
func TestSlowBodyHTTP2(t *testing.T) {
	t.Parallel()
	_, honest, posts := overTLS(t)
	body, more := io.Pipe()
	defer func() { _ = more.Close() }()
	begun := make(chan struct{})
	go func() {
		defer close(begun)
		_, _ = io.WriteString(more, served[:10])
	}()
	status, answer := posts(body)
	<-begun
	require.Equal(t, 408, status)
	require.Contains(t, answer, `"code":"BODY_TOO_SLOW"`)
	require.Equal(t, 202, honest())
}

// TestRapidReset: streams that are opened and taken back as fast as a line carries them
// (CVE-2023-44487) cost neither memory nor goroutines, and keep no honest client out.
func TestRapidReset(t *testing.T) {
	address, honest, _ := overTLS(t)
	require.Equal(t, 202, honest())
	before := usage()
	const attackers, streams = 3, 5_000
	var clients []*h2
	opened := make(chan int, attackers)
	for range attackers {
		c := dialH2(t, address)
		clients = append(clients, c)
		go func() {
			n := 0
			for ; n < streams; n++ {
				id := uint32(2*n + 1) //nolint:gosec // far below
				reset := binary.BigEndian.AppendUint32(nil, cancel)
				if c.frame(frameHeaders, endHeaders, id, request2("authorization", "Bearer "+announcer)) != nil || c.frame(frameReset, 0, id, reset) != nil {
					break
				}
			}
			opened <- n
		}()
	}
	peak, total := usage(), 0
	for done := 0; done < attackers; {
		select {
		case n := <-opened:
			total += n
			done++
		default:
			require.Equal(t, 202, honest(), "an honest client is served meanwhile")
			peak = peak.most(usage())
		}
	}
	require.Greater(t, total, 1000, "it was a flood")
	t.Logf("%d streams, at most %d goroutines and %d KiB more", total, peak.goroutines-before.goroutines, (peak.bytes-before.bytes)>>10)
	require.Less(t, peak.goroutines-before.goroutines, attackers*300, "a connection has 250 streams at most")
	require.Less(t, peak.bytes-before.bytes, int64(64<<20))
	for _, c := range clients {
		if code := c.goAway.Load(); code != 0 {
			require.EqualValues(t, calm+1, code, "the server said why")
		}
		_ = c.Close()
	}
	settle(t, before)
	require.Equal(t, 202, honest())
}

// TestContinuationFlood: a header that never ends (CVE-2023-45288) ends the connection
// after little more than the limit.
func TestContinuationFlood(t *testing.T) {
	address, honest, _ := overTLS(t)
	require.Equal(t, 202, honest())
	before := usage()
	c := dialH2(t, address)
	require.NoError(t, c.frame(frameHeaders, endStream, 1, request2()))
	piece := fields("x", strings.Repeat("x", 16_000))
	sent := 0
	var err error
	for ; err == nil && sent < 1<<30; sent += len(piece) {
		err = c.frame(frameContinuation, 0, 1, piece)
	}
	require.Error(t, err, "the server hung up")
	require.False(t, errors.Is(err, net.ErrClosed))
	<-c.ended
	require.Less(t, sent, 32<<20, "what stood in buffers, not what it wanted")
	require.Less(t, usage().bytes-before.bytes, int64(16<<20))
	settle(t, before)
	require.Equal(t, 202, honest())
}
