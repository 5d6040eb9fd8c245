package auth

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// CodeBodyTooSlow: the body came too slowly, or took too long as a whole (408).
const (
	CodeBodyTooSlow = "BODY_TOO_SLOW"
)

// Progress is what a client must achieve while it sends a body. A deadline for the whole
// body would cut off honest clients with a bad line, one that moves with every byte would
// let a client hold a connection with a byte now and then; this one moves with progress.
type Progress struct {
	// Bytes have to arrive in each Every. Default to 1024 in 10 s.
	Bytes int64
	Every time.Duration
	// AtMost is the time for a body as a whole, whatever its progress. Defaults to 2 min.
	AtMost time.Duration
}

// Filled gives p with its defaults.
func (p Progress) Filled() Progress {
	if p.Bytes <= 0 {
		p.Bytes = 1 << 10
	}
	if p.Every <= 0 {
		p.Every = 10 * time.Second
	}
	if p.AtMost <= 0 {
		p.AtMost = 2 * time.Minute
	}
	return p
}

// Watch holds clients to the progress: reading a body that is too slow fails with a
// *Refusal of status 408. It has to be the outermost handler of a server.
func (p Progress) Watch(next http.Handler) http.Handler {
	p = p.Filled()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		b := &watched{
			ReadCloser: r.Body, progress: p, rc: http.NewResponseController(w), end: time.Now().Add(p.AtMost),
		}
		r = r.WithContext(r.Context()) // the server goes on with its own body
		r.Body = b
		next.ServeHTTP(w, r)
		if b.err == nil {
			b.await() // the server reads what is left before it answers
		}
	})
}

// watched is a body that is read under a deadline that moves with progress.
type watched struct {
	io.ReadCloser
	progress Progress
	rc       *http.ResponseController
	end      time.Time

	started bool
	got     int64 // since the deadline was set
	err     error
}

// await sets the deadline for the next Bytes. Writers that have none, such as those of
// tests, are left alone.
func (b *watched) await() {
	b.started, b.got = true, 0
	next := time.Now().Add(b.progress.Every)
	if b.end.Before(next) {
		next = b.end
	}
	_ = b.rc.SetReadDeadline(next)
}

// Read reads, and moves the deadline when enough has come.
func (b *watched) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if !b.started {
		b.await()
	}
	n, err := b.ReadCloser.Read(p)
	b.got += int64(n)
	switch {
	case err == nil:
		if b.got >= b.progress.Bytes {
			b.await()
		}
		return n, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = &Refusal{
			Status: http.StatusRequestTimeout, Code: CodeBodyTooSlow,
			Message: "the body came too slowly: nothing was kept, try again on a better line",
		}
	}
	// At the end of a body the server takes the deadline away by itself.
	b.err = err
	return n, err
}
