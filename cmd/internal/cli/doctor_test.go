package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/afterput/afterput/pipeline/cloudbase/cloudbasetest"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/doctor"
	"github.com/afterput/afterput/tasks/redistest"
)

// selfSigned writes a certificate that no phone trusts, and its key.
func selfSigned(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"up.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return certFile, keyFile
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	path, _ := world(t)
	r := do(t, "doctor", "-c", path, "--only", "tls", "--strict")
	require.Equal(t, exitOK, r.code, r.err)
	require.Contains(t, r.out, "skip\ttls\thttp.tls is not set")

	server := redistest.Start(t)
	r = doWith(t, []string{"AFTERPUT_REDIS_URL=" + server.URL}, "", "doctor", "-c", path, "--only", "redis", "--strict")
	require.Equal(t, exitWarnings, r.code, r.err)
	require.Contains(t, r.out, "ok\tredis\tthe user default may run all of the ")
	require.Contains(t, r.out, "warn\tredis\tthere is no maxmemory")
	r = doWith(t, []string{"AFTERPUT_REDIS_URL=redis://127.0.0.1:1/0"}, "", "doctor", "-c", path, "--only", "redis")
	require.Equal(t, exitUnhealthy, r.code, r.err)
	r = doWith(t, []string{"AFTERPUT_REDIS_URL=redis-sentinel://127.0.0.1:1?master=m"}, "", "doctor", "-c", path, "--only", "redis")
	require.Equal(t, exitUnhealthy, r.code, r.err)
	require.Contains(t, r.out, "fail\tredis\tno sentinel names the master m: 127.0.0.1:1: ")

	r = do(t, "doctor", "-c", path, "--only", "ledger")
	require.Equal(t, exitOK, r.code, r.err)
	require.Contains(t, r.out, "ok\tledger\tit takes writes")
	r = doWith(t, []string{"AFTERPUT_LEDGER_URL=sqlite://" + filepath.Join(t.TempDir(), "none.db")}, "", "doctor", "-c", path, "--only", "ledger")
	require.Equal(t, exitUnhealthy, r.code, r.err)
	require.Contains(t, r.out, "afterput migrate up")

	r = do(t, "doctor", "-c", path, "--only", "orders")
	require.Equal(t, exitOK, r.code, r.err)
	require.Contains(t, r.out, "ok\torders\tthe table orders is there, and its columns can be read and written; the array is a TEXT")
	r = doWith(t, []string{"AFTERPUT_ORDERS_IMAGES_COLUMN=photos"}, "", "doctor", "-c", path, "--only", "orders")
	require.Equal(t, exitUnhealthy, r.code)
	require.Contains(t, r.out, `there is no column "photos" (option ImagesColumn)`)

	cloud := cloudbasetest.New(t)
	cloud.Collection("orders")
	env := []string{
		"AFTERPUT_ORDERS_URL=cloudbase://" + cloudbasetest.Env, "AFTERPUT_CLOUDBASE_ENDPOINT=" + cloud.URL,
		"AFTERPUT_CLOUDBASE_API_KEY=" + cloudbasetest.APIKey, "AFTERPUT_ORDERS_KEY_COLUMN=",
	}
	r = doWith(t, env, "", "doctor", "-c", path, "--only", "orders")
	require.Equal(t, exitOK, r.code, r.err)
	require.Contains(t, r.out, "ok\torders\tthe collection orders is there, and its documents can be read and written")
	cloud.AdminOnly("orders")
	env[2] = "AFTERPUT_CLOUDBASE_API_KEY=" + cloudbasetest.PublishableKey
	r = doWith(t, env, "", "doctor", "-c", path, "--only", "orders")
	require.Equal(t, exitUnhealthy, r.code)
	require.Contains(t, r.out, "DATABASE_PERMISSION_DENIED")
	require.NotContains(t, r.out+r.err, cloudbasetest.PublishableKey)

	certFile, keyFile := selfSigned(t)
	env = []string{"AFTERPUT_HTTP_TLS_CERT_FILE=" + certFile, "AFTERPUT_HTTP_TLS_KEY_FILE=" + keyFile, "AFTERPUT_HTTP_PUBLIC_HOST=up.example.com"}
	r = doWith(t, env, "", "doctor", "-c", path, "--only", "tls", "-o", "json")
	require.Equal(t, exitUnhealthy, r.code)
	found := r.object(t)
	require.Equal(t, map[string]any{"schema": "afterput.doctor.v1", "ok": 2.0, "skip": 0.0, "warn": 1.0, "fail": 1.0},
		pick(found, "schema", "ok", "skip", "warn", "fail"))
	require.Equal(t, map[string]any{"level": "warn", "check": "tls"}, pick(r.item(t, 0), "level", "check"), "it ends in an hour")
	require.Equal(t, map[string]any{
		"level": "fail", "check": "tls", "what": "the certificate has signed itself: no phone trusts it", "mend": "get one of a public authority",
	}, r.item(t, 1))
	require.Equal(t, map[string]any{"code": "unhealthy", "exit_code": 21.0, "message": "1 failed, 1 warned"}, pick(r.failure(t), "code", "exit_code", "message"))

	env[1] = "AFTERPUT_HTTP_TLS_KEY_FILE=" + certFile
	r = doWith(t, env, "", "doctor", "-c", path, "--only", "tls")
	require.Equal(t, exitUnhealthy, r.code)
	require.Contains(t, r.out, "fail\ttls\thttp.tls: ")

	r = do(t, "doctor", "-c", path, "--only", "tsl")
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.err, "want some of ")
	require.Equal(t, exitConfig, do(t, "doctor", "-c", file(t, "http: {listen: 1}")).code)
	require.Contains(t, do(t, "__complete", "doctor", "--only", "").out, "tls")
}

func TestDiagnose(t *testing.T) {
	t.Parallel()
	of := func(levels ...doctor.Level) (results []doctor.Result) {
		for _, l := range levels {
			results = append(results, doctor.Result{Check: "c", Finding: doctor.Finding{Level: l}})
		}
		return results
	}
	for _, tt := range []struct {
		name          string
		results       []doctor.Result
		plain, strict int
	}{
		{"good", of(doctor.OK, doctor.Skip), exitOK, exitOK},
		{"warns", of(doctor.OK, doctor.Warn), exitOK, exitWarnings},
		{"fails", of(doctor.Fail, doctor.Warn, doctor.OK), exitUnhealthy, exitUnhealthy},
		{"nothing", nil, exitOK, exitOK},
	} {
		for strict, want := range map[bool]int{false: tt.plain, true: tt.strict} {
			err := diagnose(printer.New(io.Discard, printer.Plain, printer.Options{}), tt.results, strict)
			if want == exitOK {
				require.NoError(t, err, tt.name)
				continue
			}
			require.Equal(t, want, explainError(t.Context(), err).ExitCode, tt.name)
		}
	}
}
