package coslocal

import (
	"io"
	"net/http"
	"time"
)

// bodyFault sends n bytes of src in a broken way where a fault says so.
func (x *exchange) bodyFault(src io.Reader, n int64) bool {
	m := x.r.Method
	if _, ok := x.faults.fire(Truncate, m, x.key); ok {
		_, _ = io.CopyN(x.w, src, n/2)
		return true // net/http closes the connection of a body that is too short
	}
	if _, ok := x.faults.fire(Stall, m, x.key); ok {
		_, _ = io.CopyN(x.w, src, n/2)
		_ = http.NewResponseController(x.w).Flush()
		select {
		case <-x.r.Context().Done():
		case <-x.done:
		}
		return true
	}
	if f, ok := x.faults.fire(Drip, m, x.key); ok {
		x.drip(src, n, f.Delay)
		return true
	}
	if _, ok := x.faults.fire(FlipBit, m, x.key); ok {
		_, _ = io.CopyN(x.w, src, n/2)
		var one [1]byte
		_, _ = io.ReadFull(src, one[:])
		one[0] ^= 1
		_, _ = x.w.Write(one[:])
		_, _ = io.CopyN(x.w, src, n-n/2-1)
		return true
	}
	return false
}

func (x *exchange) drip(src io.Reader, n int64, each time.Duration) {
	if each <= 0 {
		each = time.Second
	}
	rc := http.NewResponseController(x.w)
	for range n {
		if _, err := io.CopyN(x.w, src, 1); err != nil || rc.Flush() != nil || !x.wait(each) {
			return
		}
	}
}
