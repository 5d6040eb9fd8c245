package checks

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestNginx has nginx read the example.
func TestNginx(t *testing.T) {
	t.Parallel()
	nginx := tool(t, "nginx")
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"up.example.com"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	require.NoError(t, err)
	der, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("fullchain.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	write("privkey.pem", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})))
	raw, err := os.ReadFile(filepath.Join(deploy, "nginx", "afterput.conf"))
	require.NoError(t, err)
	write("afterput.conf", strings.ReplaceAll(string(raw), "/etc/ssl/afterput/", dir+"/"))
	write("nginx.conf", "pid "+dir+"/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\ninclude "+dir+"/afterput.conf;\n}\n")
	out, err := run(t, dir, os.Environ(), nginx, "-t", "-p", dir, "-c", filepath.Join(dir, "nginx.conf"))
	require.NoError(t, err, out)
	require.NotContains(t, out, "[warn]")
}
