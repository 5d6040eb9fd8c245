package hooks_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/hooks"
)

// TestAnswerWithoutEnd: what counts is the status. Of the answer little is read, and its
// connection is not kept.
func TestAnswerWithoutEnd(t *testing.T) {
	t.Parallel()
	for status, class := range map[int]pipeline.Class{http.StatusOK: "", http.StatusInternalServerError: pipeline.Transient} {
		gone := make(chan int, 1)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			for chunk, written := make([]byte, 32<<10), 0; ; written += len(chunk) {
				if _, err := w.Write(chunk); err != nil {
					gone <- written
					return
				}
			}
		}))
		t.Cleanup(server.Close)
		s := newSender(t, hooks.Options{URL: server.URL, AllowPrivate: true, Timeout: time.Hour})
		sent, err := s.Notify(t.Context(), outcome().Event())
		require.Equal(t, class, pipeline.ClassOf(err))
		require.Equal(t, class == "", sent)
		require.Less(t, <-gone, 64<<20, "what sockets hold, and no more")
	}
}

// TestAnswerThatDribbles: an answer that does not go on ends with the timeout; where its
// status came, that holds.
func TestAnswerThatDribbles(t *testing.T) {
	t.Parallel()
	for sends, class := range map[string]pipeline.Class{
		"":                                     pipeline.Transient,
		"HTTP/1.1 2":                           pipeline.Transient,
		"HTTP/1.1 200 OK\r\nX-A: b":            pipeline.Transient,
		"HTTP/1.1 200 OK\r\n\r\nx":             "",
		"HTTP/1.1 500 No\r\n\r\nx":             pipeline.Transient,
		"SSH-2.0-OpenSSH_9.9\r\n":              pipeline.Transient,
		"HTTP/1.1 200 OK\r\nX-A: \x00\r\n\r\n": pipeline.Transient,
		"HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\nx":                        "",
		"HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 65<<10) + "\r\n\r\n":           pipeline.Transient,
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n": pipeline.Transient,
	} {
		t.Run(sends[:min(len(sends), 40)], func(t *testing.T) {
			t.Parallel()
			url := talker(t, func(c net.Conn) {
				if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					_, _ = io.Copy(io.Discard, r.Body)
				}
				_, _ = io.WriteString(c, sends)
				_, _ = io.Copy(io.Discard, c) // until it hangs up
			})
			s := newSender(t, hooks.Options{URL: url, AllowPrivate: true, Timeout: 2 * time.Second})
			sent, err := s.Notify(t.Context(), outcome().Event())
			require.Equal(t, class, pipeline.ClassOf(err))
			require.Equal(t, class == "", sent)
		})
	}
}

// TestReceiverThatDoesNotRead: a body that nobody takes ends with the timeout.
func TestReceiverThatDoesNotRead(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	url := talker(t, func(net.Conn) { <-release })
	t.Cleanup(func() { close(release) })
	s := newSender(t, hooks.Options{URL: url, AllowPrivate: true, Timeout: 100 * time.Millisecond})
	u := pipeline.OrderUpdate{Order: "A12", Revision: 1, FileIDs: []string{strings.Repeat("x", 32<<20)}}
	_, err := s.Notify(t.Context(), u.Event())
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
}

// talker listens, and lets talk have each connection until it returns.
func talker(t *testing.T, talk func(net.Conn)) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's own
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				talk(c)
				_ = c.Close()
			}()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return "http://" + listener.Addr().String()
}

// TestCertificateThatExpired: the receiver gets no byte of the webhook, and gets it when the
// certificate is renewed.
func TestCertificateThatExpired(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	until := time.Now().Add(-time.Hour)
	serve := func() *httptest.Server {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), NotBefore: until.Add(-24 * time.Hour), NotAfter: until,
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		require.NoError(t, err)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			if until.Before(time.Now()) {
				t.Error("a request came through")
			}
		}))
		server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
		server.StartTLS()
		t.Cleanup(server.Close)
		return server
	}
	send := func() (bool, error) {
		server := serve()
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		s := newSender(t, hooks.Options{URL: server.URL, AllowPrivate: true, RootCAs: roots})
		return s.Notify(t.Context(), outcome().Event())
	}
	_, err = send()
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
	require.ErrorContains(t, err, "expired")
	until = time.Now().Add(time.Hour)
	sent, err := send()
	require.NoError(t, err)
	require.True(t, sent)
}

// TestNamesOfLoopback: whatever way a URL writes it, nothing is sent to this machine.
func TestNamesOfLoopback(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was called") }))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for _, host := range []string{
		"127.0.0.1", "127.1", "2130706433", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "017700000001",
		"localhost", "LOCALHOST", "localhost.", "0.0.0.0", "0",
		"[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::7f00:1]", "[::1%25lo]",
		"[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::5efe:7f00:1]",
		"１２７.０.０.１", "127。0。0。1", "ⓛocalhost", "xn--localhost-", "xn--127-0-0-1-", "xn--0.0.0.0",
		"shop.example.com@127.0.0.1", "shop.example.com:443@localhost",
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			s, err := hooks.New(hooks.Options{URL: "https://" + host + ":" + port, Secrets: []string{secret(1)}, RootCAs: roots})
			if err != nil {
				return // refused before anything is dialed
			}
			t.Cleanup(func() { _ = s.Close() })
			sent, err := s.Notify(t.Context(), outcome().Event())
			require.Error(t, err)
			require.False(t, sent)
		})
	}
}

// TestRedirectsLeadNowhere: the endpoint cannot send a webhook on to another server.
func TestRedirectsLeadNowhere(t *testing.T) {
	t.Parallel()
	elsewhere, asked := endpoint(t, http.StatusOK, nil)
	for _, status := range []int{300, 301, 302, 303, 307, 308} {
		server, got := endpoint(t, status, map[string]string{"Location": elsewhere.URL, "Refresh": "0; url=" + elsewhere.URL})
		s := newSender(t, hooks.Options{URL: server.URL, AllowPrivate: true})
		_, err := s.Notify(t.Context(), outcome().Event())
		require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
		require.ErrorContains(t, err, fmt.Sprint(status))
		require.Len(t, got, 1)
	}
	require.Empty(t, asked)
}
