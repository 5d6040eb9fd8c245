package hooks

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		address      string
		open, inside bool // passes by default; with private endpoints allowed
	}{
		{"1.1.1.1:443", true, true},
		{"1.1.1.1:8443", true, true},
		{"[2606:4700::1111]:443", true, true},
		{"1.1.1.1:80", false, true},
		{"1.1.1.1:25", false, true},
		{"1.1.1.1:22", false, true},
		{"127.0.0.1:443", false, true},
		{"10.0.0.1:443", false, true},
		{"[::1]:443", false, true},
		{"169.254.169.254:443", false, false},
		{"169.254.0.23:80", false, false},
		{"0.0.0.0:443", false, false},
		{"[::ffff:127.0.0.1]:443", false, false},
		{"[64:ff9b::7f00:1]:443", false, false},
		{"[2606:4700::5efe:7f00:1]:443", false, false},
		{"localhost:443", false, false},
	} {
		require.Equal(t, c.open, guard(false)("tcp", c.address, nil) == nil, c.address)
		require.Equal(t, c.inside, guard(true)("tcp", c.address, nil) == nil, c.address)
	}
}

func TestParseURLRefusesOtherSchemes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"file:///etc/passwd", "gopher://h/", "unix:///var/run/x.sock", "ftp://h/", "data:text/plain,x", "//h/", "h/", "javascript:1",
	} {
		_, err := parseURL(text, true)
		require.Error(t, err, text)
	}
}

// TestUserinfoIsNoHost: what stands before the @ does not decide where the dial goes.
func TestUserinfoIsNoHost(t *testing.T) {
	t.Parallel()
	u, err := parseURL("https://shop.example.com@127.0.0.1/", false)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", u.Hostname())
	require.Error(t, guard(false)("tcp", net.JoinHostPort(u.Hostname(), "443"), nil))
}

// TestRebinding: the name resolved to a public address when it was looked at, and to
// loopback when it is dialed. What is dialed counts, and nothing is sent there.
func TestRebinding(t *testing.T) {
	t.Parallel()
	var asked atomic.Bool
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Store(true) }))
	t.Cleanup(server.Close)
	s, err := New(Options{URL: "https://rebind.example.com/", Secrets: []string{"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	transport, ok := s.client.Transport.(*http.Transport)
	require.True(t, ok)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dial(ctx, network, server.Listener.Addr().String()) // as the second look-up says
	}
	_, err = s.Notify(t.Context(), pipeline.Outcome{UploadID: "u1", Revision: 1, State: pipeline.UploadDone}.Event())
	_, refused := errors.AsType[*refusedAddress](err)
	require.True(t, refused, err)
	require.Equal(t, pipeline.Denied, pipeline.ClassOf(err))
	require.False(t, asked.Load())
}
