package auth

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// ReadBody reads a request body of at most most bytes as it was sent. Errors are
// *Refusal: 413 for too many bytes, 415 for a compressed body, 400 for one that is broken.
func ReadBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	for _, encoding := range r.Header.Values("Content-Encoding") {
		if !strings.EqualFold(strings.TrimSpace(encoding), "identity") {
			drain(r)
			return nil, &Refusal{
				Status: http.StatusUnsupportedMediaType, Code: CodeEncoding,
				Message: "the body is compressed: send it as it is, without Content-Encoding",
			}
		}
	}
	tooLarge := &Refusal{
		Status: http.StatusRequestEntityTooLarge, Code: CodeBodyTooLarge,
		Message: fmt.Sprintf("the body is over %d bytes: announce fewer files in one request", most),
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err == nil {
		return b, nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		drain(r)
		return nil, tooLarge
	}
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return nil, refusal
	}
	return nil, &Refusal{
		Status: http.StatusBadRequest, Code: CodeBodyUnreadable,
		Message: "the body could not be read: it ended early, or its framing is broken",
	}
}

// drainBytes is how much is read of a body that nobody wants.
const drainBytes = 4 << 20

// drain reads on for a while before a request is refused. A client that is still sending
// would otherwise see its line break instead of the answer.
func drain(r *http.Request) { _, _ = io.CopyN(io.Discard, r.Body, drainBytes) }

// readAgain gives a request the body that was read from it.
func readAgain(r *http.Request, body []byte) { r.Body = io.NopCloser(bytes.NewReader(body)) }

// WithoutBOM cuts the byte order mark that some clients write before UTF-8; one, not more.
func WithoutBOM(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) }
