package wire_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// used is what a process holds. Tests that look at it run alone.
type used struct {
	bytes      int64
	goroutines int
}

// usage gives what is in use after a collection: heap and stacks.
func usage() used {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return used{int64(m.HeapAlloc + m.StackInuse), runtime.NumGoroutine()} //nolint:gosec // far below
}

func (u used) most(other used) used {
	return used{max(u.bytes, other.bytes), max(u.goroutines, other.goroutines)}
}

// settle waits until what was in use before is in use again.
func settle(t *testing.T, before used) {
	t.Helper()
	require.Eventually(t, func() bool {
		now := usage()
		return now.goroutines <= before.goroutines+10 && now.bytes <= before.bytes+16<<20
	}, hang, 50*time.Millisecond, "before: %+v, now: %+v", before, usage())
}

const served = `{"files":["users/o1/1.jpg"]}`

func requireServed(t *testing.T, address string) {
	t.Helper()
	res := send(t, address, text(post("Content-Length: 28\r\nConnection: close\r\n", served)))
	require.Equal(t, 202, res.status, res.body)
}

// TestIdleConnections: five thousand connections that have asked once and stay cost little
// memory each, keep nobody out, and leave nothing behind.
func TestIdleConnections(t *testing.T) {
	const connections = 5000
	_, address := door(t)
	requireServed(t, address)
	before := usage()
	conns := make([]net.Conn, 0, connections)
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	answer := make([]byte, 1024)
	for range connections {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		require.NoError(t, err, "two descriptors for each connection: see ulimit -n")
		conns = append(conns, c)
		require.NoError(t, c.SetDeadline(time.Now().Add(hang)))
		_, err = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
		require.NoError(t, err)
		n, err := c.Read(answer)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(answer[:n]), "HTTP/1.1 200 OK\r\n"), "%s", answer[:n])
	}
	during := usage()
	require.GreaterOrEqual(t, during.goroutines-before.goroutines, connections, "they are all there")
	require.Less(t, (during.bytes-before.bytes)/connections, int64(32<<10), "bytes for each")
	requireServed(t, address)
	for _, c := range conns {
		_ = c.Close()
	}
	settle(t, before)
	requireServed(t, address)
}

// TestEndlessBodies: clients whose bodies never end cost no more than the limit of a body
// each, whatever they send, and keep nobody out.
func TestEndlessBodies(t *testing.T) {
	const clients = 32
	_, address := door(t)
	requireServed(t, address)
	before := usage()
	type result struct {
		status int
		err    error
	}
	results := make(chan result, clients)
	chunk := "10000\r\n" + strings.Repeat("x", 64<<10) + "\r\n"
	for i := range clients {
		go func() {
			head := post("Transfer-Encoding: chunked\r\n", "")
			if i%2 == 1 {
				head = strings.Replace(head, announcer, "wrong-0123456789abcdef", 1)
			}
			status, err := endlessChunks(address, head, chunk)
			results <- result{status, err}
		}()
	}
	peak, statuses := used{}, map[int]int{}
	for n := 0; n < clients; {
		select {
		case r := <-results:
			require.NoError(t, r.err)
			statuses[r.status]++
			n++
		default:
			requireServed(t, address)
			peak = peak.most(usage())
		}
	}
	require.Equal(t, clients/2, statuses[http.StatusRequestEntityTooLarge])
	require.Equal(t, clients/2, statuses[http.StatusUnauthorized]+statuses[http.StatusTooManyRequests])
	require.Less(t, peak.bytes-before.bytes, int64(clients*4<<20), "a body of 1 MiB, as it grows")
	settle(t, before)
}

// endlessChunks sends a head and chunks without end, and gives the status of the answer.
func endlessChunks(address, head, chunk string) (int, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	if err := conn.SetDeadline(time.Now().Add(hang)); err != nil {
		return 0, err
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		if _, err := io.WriteString(conn, head); err == nil {
			_ = endless(conn, chunk)
		}
	}()
	defer func() { _ = conn.Close(); <-sent }()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}
