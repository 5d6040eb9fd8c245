package auth

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
)

// Codes of requests that the HTTP server refuses before any handler sees them.
const (
	// CodeBadRequest: what came is not HTTP (400), or a form of it that is not taken (501).
	CodeBadRequest = "BAD_REQUEST"
	// CodeHeaderTooLarge: the header is over the limit (431).
	CodeHeaderTooLarge = "HEADER_TOO_LARGE"
)

// bare stands in the answers that net/http writes past every handler, and in no others:
// those of handlers have a Date, and Connection before Content-Type.
const bare = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// JSONAnswers gives the connections of ln a body {"code","message","requestId"} also for
// what net/http refuses by itself. It is for connections in the clear: under TLS what is
// written cannot be seen.
func JSONAnswers(ln net.Listener) net.Listener { return jsonListener{ln} }

type jsonListener struct{ net.Listener }

// Accept wraps the next connection.
func (l jsonListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return jsonConn{c}, nil
}

type jsonConn struct{ net.Conn }

// CloseWrite is what the server calls to let a client read the answer before the end.
func (c jsonConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Write writes p, or in the place of a bare answer one with a JSON body.
func (c jsonConn) Write(p []byte) (int, error) {
	answer := better(p)
	if answer == nil {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(answer); err != nil {
		return 0, err
	}
	return len(p), nil
}

// better makes the answer that replaces p, or nil where p is another.
func better(p []byte) []byte {
	rest, ok := bytes.CutPrefix(p, []byte("HTTP/1.1 "))
	if !ok {
		return nil
	}
	line, _, ok := bytes.Cut(rest, []byte("\r\n"))
	if !ok || len(line) < 4 || !bytes.HasPrefix(rest[len(line):], []byte(bare)) {
		return nil
	}
	status, err := strconv.Atoi(string(line[:3]))
	if err != nil || status < http.StatusBadRequest {
		return nil
	}
	code, message := CodeBadRequest, "the request could not be read: "+http.StatusText(status)
	if status == http.StatusRequestHeaderFieldsTooLarge {
		code, message = CodeHeaderTooLarge, "the header of the request is too large"
	}
	id := rand.Text()
	body, err := json.Marshal(map[string]string{"code": code, "message": message, "requestId": id})
	if err != nil {
		return nil
	}
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: %d\r\n"+
		"Content-Type: application/json; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n%s: %s\r\n\r\n%s",
		line, len(body), RequestIDHeader, id, body)
}
