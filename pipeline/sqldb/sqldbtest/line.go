package sqldbtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/url"
	"slices"
	"sync"
)

// Line is a way to a database server that can be cut, also in the middle of a COMMIT. It
// knows the one of the protocols of PostgreSQL and MySQL by its text, so that statements
// must not be prepared, and the line must not be encrypted.
type Line struct {
	ln     net.Listener
	server string
	wg     sync.WaitGroup

	mu    sync.Mutex
	down  bool
	lose  lost
	times int
	broke int
	// calls are the connections of clients, with our own port of the one to the server.
	calls map[net.Conn]int
}

type lost int

const (
	question lost = iota
	answer
)

// Through opens a line to the server of a database URL and gives the URL of the same
// database behind it.
func Through(ctx context.Context, rawURL string) (*Line, string, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, "", errors.New("line: the URL cannot be read")
	}
	l := &Line{server: u.Host, calls: map[net.Conn]int{}}
	if l.ln, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, "", err
	}
	l.wg.Go(func() {
		for {
			client, err := l.ln.Accept()
			if err != nil {
				return
			}
			l.wg.Go(func() { l.serve(context.WithoutCancel(ctx), client) })
		}
	})
	u.Host = l.ln.Addr().String()
	return l, u.String(), nil
}

// LoseAnswers lets the server hear the next n COMMITs, and the client nothing any more.
func (l *Line) LoseAnswers(n int) { l.breaks(answer, n) }

// LoseQuestions lets the next n COMMITs reach nobody, and cuts their connections.
func (l *Line) LoseQuestions(n int) { l.breaks(question, n) }

func (l *Line) breaks(what lost, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose, l.times = what, n
}

// Broke counts the COMMITs that lost something.
func (l *Line) Broke() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broke
}

// Ports are those of our connections to the server, by which it knows its sessions.
func (l *Line) Ports() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Values(l.calls))
}

// Cut ends every connection and hangs up on new ones, until Join.
func (l *Line) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	for client := range l.calls {
		_ = client.Close()
	}
}

// Join opens the line again.
func (l *Line) Join() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
}

// Close ends the line for good.
func (l *Line) Close() {
	_ = l.ln.Close()
	l.Cut()
	l.wg.Wait()
}

// enter notes a connection, unless the line is cut.
func (l *Line) enter(client, server net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if addr, ok := server.LocalAddr().(*net.TCPAddr); ok && !l.down {
		l.calls[client] = addr.Port
		return true
	}
	return false
}

func (l *Line) leave(client net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.calls, client)
}

// breaksNow tells what to lose of what a client said.
func (l *Line) breaksNow(said []byte) (what lost, now bool) {
	// A packet of MySQL ends with the statement, a message of PostgreSQL with a NUL.
	if !bytes.HasSuffix(bytes.ToLower(bytes.TrimRight(said, "\x00")), []byte("commit")) {
		return 0, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.times == 0 {
		return 0, false
	}
	l.times--
	l.broke++
	return l.lose, true
}

// call is one connection through the line.
type call struct {
	client, server net.Conn
	// deaf is closed when answers go nowhere, heard when one has come after that.
	deaf, heard chan struct{}
}

func (l *Line) serve(ctx context.Context, client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := new(net.Dialer).DialContext(ctx, "tcp", l.server)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	if !l.enter(client, server) {
		return
	}
	defer l.leave(client)
	c := &call{client: client, server: server, deaf: make(chan struct{}), heard: make(chan struct{})}
	l.wg.Go(c.answers)
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		what, now := l.breaksNow(buf[:n])
		if now && what == question {
			return
		}
		if now {
			close(c.deaf)
		}
		if _, err := io.Copy(server, bytes.NewReader(buf[:n])); err != nil {
			return
		}
		if now {
			<-c.heard
			return
		}
	}
}

// answers carries what the server says, until it ends or nobody hears it.
func (c *call) answers() {
	defer close(c.heard)
	defer func() { _ = c.client.Close() }()
	buf := make([]byte, 64<<10)
	for {
		n, err := c.server.Read(buf)
		if err != nil {
			return
		}
		select {
		case <-c.deaf:
			return
		default:
		}
		if _, err := c.client.Write(buf[:n]); err != nil {
			return
		}
	}
}
