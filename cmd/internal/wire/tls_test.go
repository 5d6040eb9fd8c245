package wire_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
)

// pair writes a certificate with a serial number, and its key.
func pair(t *testing.T, dir string, serial int64) (certFile, keyFile string) {
	t.Helper()
	certPEM, keyPEM := wire.Pair(t, serial)
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certFile, certPEM, 0o600))
	require.NoError(t, os.WriteFile(keyFile, keyPEM, 0o600))
	return certFile, keyFile
}

// serial shakes hands and gives the serial number of the certificate.
func serial(t *testing.T, address string, c *tls.Config) int64 {
	t.Helper()
	conn, err := (&tls.Dialer{Config: c}).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := pair(t, dir, 1)
	_, address := door(t, func(c *config.Config) { c.HTTP.TLS = config.TLS{CertFile: certFile, KeyFile: keyFile} })
	// What is checked here is which certificate comes, not who signed it.
	anyone := &tls.Config{InsecureSkipVerify: true}
	require.EqualValues(t, 1, serial(t, address, anyone))

	old := anyone.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	_, err := (&tls.Dialer{Config: old}).DialContext(t.Context(), "tcp", address)
	require.ErrorContains(t, err, "protocol version")

	transport := &http.Transport{TLSClientConfig: anyone, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address+"/healthz", http.NoBody)
	require.NoError(t, err)
	res, err := transport.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, 2, res.ProtoMajor)

	pair(t, dir, 2)
	require.Eventually(t, func() bool { return serial(t, address, anyone) == 2 }, hang, 20*time.Millisecond, "it is read again")
}

func TestTLSFilesAreMissing(t *testing.T) {
	t.Parallel()
	cfg := valid(t)
	cfg.HTTP.TLS = config.TLS{CertFile: filepath.Join(t.TempDir(), "none.pem"), KeyFile: "none.pem"}
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	_, err = open(t, cfg).Listener(ln)
	require.ErrorContains(t, err, "http.tls: ")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestNoCleartextHTTP2: without TLS there is no HTTP/2, neither by upgrade nor by knowledge.
func TestNoCleartextHTTP2(t *testing.T) {
	t.Parallel()
	_, address := door(t)
	got := send(t, address, text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	require.GreaterOrEqual(t, got.status, 400, got.body)
	got = send(t, address, func(w io.Writer, _ *net.TCPConn) error {
		_, err := io.WriteString(w, "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n")
		return err
	})
	require.Equal(t, 200, got.status, "and not 101")
	require.Equal(t, 1, got.proto)
}
