package wire_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
)

const tokenSecret = "sign-0123456789abcdef-0123456789abcdef"

// signed asks for a signature as a machine's own client does.
func signed(t *testing.T, h http.Handler, path, key string) (status int, answer map[string]any) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	req.RemoteAddr, req.Host = "127.0.0.1:5555", "127.0.0.1:3000"
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &answer), "%s", rec.Body)
	return rec.Code, answer
}

func TestSign(t *testing.T) {
	t.Parallel()
	cfg := valid(t)
	cfg.Auth.JWT.HS256Secret = tokenSecret
	h, err := open(t, cfg).Handler()
	require.NoError(t, err)
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"customUserId": "oUser", "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString([]byte(tokenSecret))
	require.NoError(t, err)
	for _, c := range []struct {
		name, path, key string
		status          int
		want            string // the beginning of the key, or the code
	}{
		{"without a key", "/put-sign?ext=jpg&owner=oX", "", 401, "UNAUTHORIZED"},
		{"without the scope", "/put-sign?ext=jpg&owner=oX", watcher, 403, "FORBIDDEN"},
		{"backend", "/put-sign?ext=jpg&owner=oX", announcer, 200, "users/oX/"},
		{"backend without an owner", "/post-policy?ext=jpg", announcer, 400, "OWNER_MISSING"},
		{"user", "/post-policy?ext=jpg", token, 200, "users/oUser/"},
		{"user for another", "/post-policy?ext=jpg&owner=oX", token, 403, "OWNER_MISMATCH"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			status, answer := signed(t, h, c.path, c.key)
			require.Equal(t, c.status, status, answer)
			if status != http.StatusOK {
				require.Equal(t, c.want, answer["code"])
				return
			}
			require.Contains(t, answer["cosKey"], c.want)
			require.Equal(t, "photos-1250000000.cos.ap-guangzhou.myqcloud.com", answer["cosHost"])
		})
	}
}

func TestSignSettings(t *testing.T) {
	t.Parallel()
	policy := func(t *testing.T, change func(*config.Config), path string) map[string]any {
		t.Helper()
		cfg := valid(t)
		cfg.Sign.Auth, cfg.Sign.DevOwner = "none", "oDev"
		change(cfg)
		require.NoError(t, cfg.Validate())
		h, err := open(t, cfg).Handler()
		require.NoError(t, err)
		status, answer := signed(t, h, path, "")
		require.Equal(t, http.StatusOK, status, answer)
		require.Contains(t, answer["cosKey"], "users/oDev/", "without a key, everything is the one owner's")
		return answer
	}
	limit := func(answer map[string]any) any {
		object, ok := answer["policyObj"].(map[string]any)
		require.True(t, ok)
		conditions, ok := object["conditions"].([]any)
		require.True(t, ok)
		return conditions[len(conditions)-1]
	}
	plain := policy(t, func(*config.Config) {}, "/post-policy?ext=jpg")
	require.Equal(t, "AKIDEXAMPLE", plain["qAk"])
	require.Equal(t, []any{"content-length-range", 1.0, 20e6}, limit(plain))
	off := policy(t, func(c *config.Config) { c.Check.Extension = "off" }, "/post-policy?ext=jpg")
	require.Equal(t, []any{"content-length-range", 1.0, 100e6}, limit(off), "a .jpg may hold a video")
	own := policy(t, func(c *config.Config) {
		c.Sign.SecretID, c.Sign.SecretKey = "AKIDputonly", "hush"
		c.Buckets[0].SessionToken = "t0ken"
	}, "/post-policy?ext=jpg")
	require.Equal(t, "AKIDputonly", own["qAk"])
	require.NotContains(t, own, "securityToken", "the token belongs to the other key")
	temporary := policy(t, func(c *config.Config) { c.Buckets[0].SessionToken = "t0ken" }, "/put-sign?ext=jpg")
	require.Equal(t, "t0ken", temporary["securityToken"])
}

// TestSignCallback: an upload whose callback was signed is announced by COS itself, before
// the uploader has its answer.
func TestSignCallback(t *testing.T) {
	t.Parallel()
	bucketServer, err := coslocal.New(coslocal.Options{
		Dir: t.TempDir(), Bucket: "photos-1250000000", Keys: map[string]string{"AKIDEXAMPLE": valid(t).Buckets[0].SecretKey.Reveal()},
	})
	require.NoError(t, err)
	web := httptest.NewServer(bucketServer)
	mux := http.NewServeMux()
	api := httptest.NewServer(mux)
	t.Cleanup(func() {
		require.NoError(t, bucketServer.Close())
		web.Close()
		api.Close()
	})
	cfg := valid(t)
	cfg.Buckets[0].Endpoint = web.URL
	cfg.Auth.CallbackSecret, cfg.Sign.CallbackBase = "callback-0123456789abcdef", api.URL
	require.NoError(t, cfg.Validate())
	app := open(t, cfg)
	h, err := app.Handler()
	require.NoError(t, err)
	mux.Handle("/", h)

	status, answer := signed(t, h, "/put-sign?ext=jpg&owner=oX", announcer)
	require.Equal(t, http.StatusOK, status, answer)
	headers, ok := answer["headers"].(map[string]any)
	require.True(t, ok)
	key, ok := answer["cosKey"].(string)
	require.True(t, ok)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, web.URL+"/"+key, strings.NewReader("a photo"))
	require.NoError(t, err)
	for name, value := range headers {
		req.Header.Set(name, value.(string))
	}
	req.Header.Set("Authorization", answer["authorization"].(string))
	resp, err := web.Client().Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	var told map[string]any
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&told))
	require.Equal(t, "accepted", told["status"], told)
	u, err := app.Ledger.Upload(t.Context(), pipeline.UploadID("photos-1250000000", key))
	require.NoError(t, err)
	require.Equal(t, []string{"cos-callback", "oX"}, []string{u.Source, u.Owner})
}

// TestSignSTS: with sign.sts the key comes from the service that is configured, and where
// that is away nothing is signed.
func TestSignSTS(t *testing.T) {
	t.Parallel()
	answer := `{"Response":{"Credentials":{"Token":"t0ken","TmpSecretId":"AKIDtmp","TmpSecretKey":"s"},"ExpiredTime":9999999999}}`
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Contains(t, r.Header.Get("Authorization"), "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/")
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(service.Close)
	cfg := valid(t)
	cfg.Sign.STS = config.STS{Enabled: true, Endpoint: service.URL}
	require.NoError(t, cfg.Validate())
	h, err := open(t, cfg).Handler()
	require.NoError(t, err)
	status, got := signed(t, h, "/post-policy?ext=jpg&owner=oX", announcer)
	require.Equal(t, http.StatusOK, status, got)
	require.Equal(t, []any{"AKIDtmp", "t0ken"}, []any{got["qAk"], got["securityToken"]})

	answer = `{"Response":{"Error":{"Code":"InternalError","Message":"no"}}}`
	status, got = signed(t, h, "/post-policy?ext=jpg&owner=oX", announcer)
	require.Equal(t, http.StatusServiceUnavailable, status, got)
}
