package coslocal

import (
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// get answers GET and HEAD of an object (COS 436/7753, 436/7745).
func (x *exchange) get() error {
	o, f, ok, err := x.disk.open(x.key)
	if err != nil {
		return err
	}
	if !ok {
		return noSuchKey()
	}
	defer f.Close() //nolint:errcheck // only read
	if err := x.conditions(o); err != nil {
		return err
	}
	h := x.w.Header()
	o.setHeader(h)
	if _, ok := x.faults.fire(WrongCRC, x.r.Method, x.key); ok {
		h.Set("X-Cos-Hash-Crc64ecma", strconv.FormatUint(o.CRC64^1, 10))
	}
	x.override(h)
	first, n, status := int64(0), o.Size, http.StatusOK
	if span := x.r.Header.Get("Range"); span != "" {
		from, count, verdict := parseRange(span, o.Size)
		switch verdict {
		case rangeGood:
			first, n, status = from, count, http.StatusPartialContent
			h.Set("Content-Range", "bytes "+itoa(first)+"-"+itoa(first+n-1)+"/"+itoa(o.Size))
		case rangeOutside:
			clearObject(h, o)
			h.Set("Content-Range", "bytes */"+itoa(o.Size))
			return refuse(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
		case rangeIgnored:
		}
	}
	h.Set("Content-Length", itoa(n))
	x.w.WriteHeader(status)
	if x.r.Method == http.MethodHead || n == 0 {
		return nil
	}
	x.send(f, first, n)
	return nil
}

// send writes the body. Nothing can be answered any more when it fails; net/http cuts the
// connection of a body that is too short.
func (x *exchange) send(f *os.File, first, n int64) {
	if _, err := f.Seek(first, io.SeekStart); err != nil {
		x.opt.Logger.Error("coslocal cannot read", "key", x.key, "request", x.id, "error", err)
		return
	}
	if x.bodyFault(f, n) {
		return
	}
	_, _ = io.CopyN(x.w, f, n)
}

// clearObject takes the object's headers off again: an error is not the object.
func clearObject(h http.Header, o *object) {
	for name := range o.Header {
		h.Del(name)
	}
	for _, name := range []string{"ETag", "Last-Modified", "X-Cos-Hash-Crc64ecma"} {
		h.Del(name)
	}
}

// override sets the headers that a signed request asks for by response-* parameters.
func (x *exchange) override(h http.Header) {
	if x.who == "" {
		return
	}
	q := x.r.URL.Query()
	for _, name := range []string{
		"Content-Type", "Content-Language", "Expires", "Cache-Control", "Content-Disposition", "Content-Encoding",
	} {
		if v := q.Get("response-" + strings.ToLower(name)); v != "" {
			h.Set(name, v)
		}
	}
}

// conditions checks If-Match, If-None-Match and their twins by time (RFC 9110, 13.2.2).
func (x *exchange) conditions(o *object) error {
	failed := refuse(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the preconditions you specified did not hold.")
	unchanged := refuse(http.StatusNotModified, "NotModified", "Not Modified")
	h := x.r.Header
	since, haveSince := timeOf(h.Get("If-Unmodified-Since"))
	if tags := h.Get("If-Match"); tags != "" {
		if !matches(tags, o.ETag) {
			return failed
		}
	} else if haveSince && o.Modified.After(since) {
		return failed
	}
	since, haveSince = timeOf(h.Get("If-Modified-Since"))
	if tags := h.Get("If-None-Match"); tags != "" {
		if matches(tags, o.ETag) {
			return unchanged
		}
	} else if haveSince && !o.Modified.After(since) {
		return unchanged
	}
	return nil
}

func timeOf(v string) (time.Time, bool) {
	t, err := http.ParseTime(v)
	return t, err == nil
}

// matches tells whether a list of entity tags, or "*", names etag.
func matches(list, etag string) bool {
	for tag := range strings.SplitSeq(list, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.Trim(strings.TrimPrefix(tag, "W/"), `"`) == etag {
			return true
		}
	}
	return false
}

type rangeVerdict int

const (
	rangeIgnored rangeVerdict = iota // several ranges, or not readable: the whole object
	rangeGood
	rangeOutside
)

// parseRange reads one range of bytes (RFC 9110, 14.1.2).
func parseRange(v string, size int64) (first, n int64, verdict rangeVerdict) {
	span, ok := strings.CutPrefix(v, "bytes=")
	a, z, dash := strings.Cut(strings.TrimSpace(span), "-")
	if !ok || !dash || strings.Contains(span, ",") {
		return 0, 0, rangeIgnored
	}
	if a == "" {
		tail, err := strconv.ParseUint(z, 10, 63)
		switch {
		case err != nil:
			return 0, 0, rangeIgnored
		case tail == 0 || size == 0:
			return 0, 0, rangeOutside
		}
		n = min(int64(tail), size) //nolint:gosec // 63 bits
		return size - n, n, rangeGood
	}
	from, err := strconv.ParseUint(a, 10, 63)
	if err != nil {
		return 0, 0, rangeIgnored
	}
	last := size - 1
	if z != "" {
		to, err := strconv.ParseUint(z, 10, 63)
		if err != nil || to < from {
			return 0, 0, rangeIgnored
		}
		last = min(last, int64(to)) //nolint:gosec // 63 bits
	}
	first = int64(from) //nolint:gosec // 63 bits
	if first >= size {
		return 0, 0, rangeOutside
	}
	return first, last - first + 1, rangeGood
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
