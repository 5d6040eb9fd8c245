package objects

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

// TestBodyPatience has the rules of IdleTimeout on a clock that only the test moves.
func TestBodyPatience(t *testing.T) {
	t.Parallel()
	const idle = 10 * time.Second
	tests := []struct {
		name  string
		chunk int           // bytes that arrive at once
		every time.Duration // how often
		pause time.Duration // of the reader, between two reads
		want  string        // error; empty for a whole body
	}{
		{"quick", 64 << 10, time.Millisecond, 0, ""},
		{"slow but enough", minProgress / 2, idle/2 - time.Second, 0, ""},
		{"slow reader", minProgress / 2, time.Second, time.Hour, ""},
		{"too slow", minProgress / 8, idle / 4, 0, "no progress for 10s"},
		{"drip", 1, time.Second, 0, "no progress for 10s"},
		{"stalled", 100, 1000 * time.Hour, 0, "no progress for 10s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const size = 200_000
				ctx, cancel := context.WithCancelCause(t.Context())
				src := &paced{ctx: ctx, left: size, chunk: tt.chunk, every: tt.every}
				resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: src}
				b := newBody(ctx, cancel, resp, "k", size, size, idle)
				n, err := io.Copy(io.Discard, slow{b, tt.pause})
				require.NoError(t, b.Close())
				require.True(t, src.closed)
				if tt.want == "" {
					require.NoError(t, err)
					require.EqualValues(t, size, n)
					return
				}
				require.ErrorContains(t, err, tt.want)
				require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
				require.Less(t, n, int64(size))
			})
		})
	}
}

// paced is a body that arrives in chunks, and that ends with its request.
type paced struct {
	ctx    context.Context //nolint:containedctx // as a body of net/http has it
	left   int
	chunk  int
	every  time.Duration
	closed bool
}

func (p *paced) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	select {
	case <-p.ctx.Done():
		return 0, p.ctx.Err()
	case <-time.After(p.every):
	}
	n := min(len(b), p.chunk, p.left)
	p.left -= n
	return n, nil
}

func (p *paced) Close() error { p.closed = true; return nil }

type slow struct {
	io.Reader
	pause time.Duration
}

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(s.pause)
	return s.Reader.Read(p)
}

func TestLimited(t *testing.T) {
	t.Parallel()
	l := &limited{body: io.NopCloser(bytes.NewReader(make([]byte, 100))), left: 60}
	n, err := io.Copy(io.Discard, l)
	require.EqualValues(t, 60, n)
	require.ErrorIs(t, err, errTooLong)
}

func FuzzContentRange(f *testing.F) {
	f.Add("bytes 0-9/10")
	f.Add("bytes */10")
	f.Add("bytes 5-4/10")
	f.Add("bytes 0-10/10")
	f.Fuzz(func(t *testing.T, v string) {
		first, last, size, ok := contentRange(v)
		if ok {
			require.True(t, 0 <= first && first <= last && last < size, v)
		}
	})
}
