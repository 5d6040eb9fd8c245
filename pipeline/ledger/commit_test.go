package ledger_test

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
)

// What a wire does with the next COMMIT.
const (
	passes int32 = iota
	losesAnswer
	losesQuestion
)

// wire is a way to a database server that breaks in the middle of a COMMIT.
type wire struct {
	next atomic.Int32
	// broke counts how often it did.
	broke atomic.Int32
	wg    sync.WaitGroup
}

// throughWire gives the URL of the same database behind a wire.
func throughWire(t *testing.T, rawURL string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(rawURL)
	require.NoError(t, err)
	server := u.Host
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := new(wire)
	w.wg.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			w.wg.Go(func() { w.serve(client, server) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		w.wg.Wait()
	})
	u.Host = ln.Addr().String()
	return w, u.String()
}

func (w *wire) serve(client net.Conn, server string) {
	defer func() { _ = client.Close() }()
	back, err := new(net.Dialer).Dial("tcp", server)
	if err != nil {
		return
	}
	defer func() { _ = back.Close() }()
	var deaf atomic.Bool // the answers go nowhere
	answered := make(chan struct{}, 1)
	w.wg.Go(func() {
		defer func() { _ = client.Close() }()
		buf := make([]byte, 64<<10)
		for {
			n, err := back.Read(buf)
			if err != nil {
				return
			}
			if deaf.Load() {
				answered <- struct{}{}
				return
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		said := buf[:n]
		// A packet of MySQL ends with the statement, a message of PostgreSQL with a NUL.
		if commit := bytes.HasSuffix(bytes.ToLower(bytes.TrimRight(said, "\x00")), []byte("commit")); commit {
			switch w.next.Swap(passes) {
			case losesQuestion:
				w.broke.Add(1)
				return
			case losesAnswer:
				w.broke.Add(1)
				deaf.Store(true)
				if _, err := back.Write(said); err == nil {
					<-answered
				}
				return
			}
		}
		if _, err := io.Copy(back, bytes.NewReader(said)); err != nil {
			return
		}
	}
}

// Whatever of a COMMIT is lost on the way, its transaction takes effect once, and the caller
// hears what came of it.
func TestLostCommit(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func(testing.TB) string{"postgres": sqldbtest.Postgres, "mariadb": sqldbtest.MariaDB} {
		for lost, what := range map[string]int32{"question": losesQuestion, "answer": losesAnswer} {
			t.Run(name+" loses the "+lost, func(t *testing.T) {
				t.Parallel()
				w, behind := throughWire(t, database(t))
				l := open(t, behind, ledger.Options{})
				a := pipeline.Announcement{Bucket: "photos-1250000000", Key: "users/o1/a.jpg", Order: "A1"}
				for i := range 3 {
					w.next.Store(what)
					res, err := l.Announce(t.Context(), "", []pipeline.Announcement{a})
					require.NoError(t, err)
					require.Len(t, res.Wishes, 1)
					require.EqualValues(t, i+1, w.broke.Load())
					u, err := l.Upload(t.Context(), res.Announced[0].UploadID)
					require.NoError(t, err)
					require.Equal(t, i+1, u.Announcements)
				}
			})
		}
	}
}
