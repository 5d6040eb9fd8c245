package coslocal

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxKeyBytes is the longest key of COS (COS 436/13324).
const maxKeyBytes = 850

// object is what the bucket keeps of one object besides its bytes; it is one JSON file.
type object struct {
	Key string
	// Blob names the file with the bytes.
	Blob string
	Size int64
	// ETag is without quotes.
	ETag string
	// CRC64 is the ECMA checksum.
	CRC64 uint64
	// Header holds Content-Type and the other headers that a GET gives back,
	// x-cos-meta-* among them.
	Header http.Header
	// ACL is ACLDefault, ACLPrivate or ACLPublicRead.
	ACL      string
	Modified time.Time
}

const metaPrefix = "X-Cos-Meta-"

// keptHeader takes from h what is stored with an object (COS 436/7749).
func keptHeader(h http.Header) http.Header {
	kept := make(http.Header)
	for name, values := range h {
		switch name = http.CanonicalHeaderKey(name); name {
		case "Content-Type", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires":
		default:
			if !strings.HasPrefix(name, metaPrefix) {
				continue
			}
		}
		if len(values) > 0 && values[0] != "" {
			kept[name] = []string{values[0]}
		}
	}
	if kept.Get("Content-Type") == "" {
		kept.Set("Content-Type", "application/octet-stream")
	}
	return kept
}

// setHeader writes what every answer about the object says.
func (o *object) setHeader(h http.Header) {
	maps.Copy(h, o.Header)
	h.Set("ETag", `"`+o.ETag+`"`)
	h.Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
	h.Set("X-Cos-Hash-Crc64ecma", strconv.FormatUint(o.CRC64, 10))
	h.Set("Accept-Ranges", "bytes")
}
