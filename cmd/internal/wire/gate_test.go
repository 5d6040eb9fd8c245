package wire_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
)

// TestGateFromConfig: every way in works as it is configured, and no secret stands in the
// log or an answer.
func TestGateFromConfig(t *testing.T) {
	t.Parallel()
	const webhook = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "token.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600))
	token, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"uid": "o1", "iss": "us", "aud": []string{"afterput"}, "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString(key)
	require.NoError(t, err)

	cfg := valid(t)
	cfg.Auth.WebhookSecrets = []config.Secret{webhook}
	cfg.Auth.JWT = config.JWT{RS256PublicKeyFile: file, Issuer: "us", Audience: "afterput", OwnerClaim: "uid"}
	cfg.Auth.Referers = config.Referers{AppIDs: []string{"wx0123456789abcdef"}, AllowDevtools: true}
	cfg.HTTP.RateLimit = config.RateLimit{PerIP: 1, PerOwner: 1}
	require.NoError(t, cfg.Validate())
	var log bytes.Buffer
	app, err := wire.Open(t.Context(), cfg, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	require.NoError(t, err)
	defer func() { _ = app.Close() }()
	h, err := app.Handler()
	require.NoError(t, err)

	const body = `{"files":["users/o1/1.jpg"]}`
	var answers strings.Builder
	ask := func(change func(http.Header)) int {
		req := httptest.NewRequest(http.MethodPost, "/v1/uploads", strings.NewReader(body))
		change(req.Header)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		answers.WriteString(rec.Body.String())
		return rec.Code
	}
	sender, err := standardwebhooks.NewWebhook(webhook)
	require.NoError(t, err)
	now := time.Now()
	signature, err := sender.Sign("m1", now, []byte(body))
	require.NoError(t, err)
	signed := func(h http.Header) {
		h.Set("Webhook-Id", "m1")
		h.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
		h.Set("Webhook-Signature", signature)
	}
	user := func(version string) func(http.Header) {
		return func(h http.Header) {
			h.Set("Authorization", "Bearer "+token)
			h.Set("Referer", "https://servicewechat.com/wx0123456789abcdef/"+version+"/page-frame.html")
		}
	}
	require.Equal(t, 202, ask(signed))
	require.Equal(t, 202, ask(user("7")))
	require.Equal(t, 202, ask(user("devtools")))
	require.Equal(t, 403, ask(user("0")))
	forged := func(h http.Header) { signed(h); h.Set("Webhook-Id", "m2") }
	// Ten at once and one in each second: how many that makes depends on the machine.
	limited := func(change func(http.Header), before int) bool {
		for range 1000 {
			if status := ask(change); status == 429 {
				return true
			} else if status != before {
				t.Fatalf("got %d, want %d or 429", status, before)
			}
		}
		return false
	}
	require.True(t, limited(forged, 401))
	require.Equal(t, 202, ask(signed), "strangers at the address do not hold up who is known")
	require.True(t, limited(user("7"), 202))
	require.Contains(t, log.String(), "not let in")
	for _, secret := range []string{token, webhook[6:], signature[3:], announcer, watcher} {
		require.NotContains(t, log.String(), secret)
		require.NotContains(t, answers.String(), secret)
	}
}

func TestGateRefusesConfig(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*config.Config){
		"auth.jwt.rs256PublicKeyFile: ":    func(c *config.Config) { c.Auth.JWT.RS256PublicKeyFile = "/none/token.pem" },
		"no RSA public key or certificate": func(c *config.Config) { c.Auth.JWT.RS256PublicKey = "hush" },
		"webhook secret 1 has 4 bytes":     func(c *config.Config) { c.Auth.WebhookSecrets = []config.Secret{"whsec_aHVzaA=="} },
		`"wx1" is no appid`:                func(c *config.Config) { c.Auth.Referers.AppIDs = []string{"wx1"} },
	} {
		cfg := valid(t)
		change(cfg)
		_, err := open(t, cfg).Handler()
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hush")
		require.NotContains(t, err.Error(), "aHVz")
	}
}
