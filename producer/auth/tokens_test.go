package auth_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/producer/auth"
)

const hs256 = "token-secret-token-secret-token-secret"

var tokenNow = time.Unix(1_800_000_000, 0)

// signer makes an RSA key once; the private half of what the tests trust.
var signer = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func publicPEM(t *testing.T, key *rsa.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func claims(change ...func(jwt.MapClaims)) jwt.MapClaims {
	c := jwt.MapClaims{"customUserId": "oX", "uid": "u1", "sub": "s1", "iss": "us", "aud": "afterput", "exp": tokenNow.Unix() + 60}
	for _, f := range change {
		f(c)
	}
	return c
}

func sign(t *testing.T, method jwt.SigningMethod, key any, c jwt.MapClaims) string {
	t.Helper()
	s, err := jwt.NewWithClaims(method, c).SignedString(key)
	require.NoError(t, err)
	return s
}

func newTokens(t *testing.T, change ...func(*auth.TokenOptions)) *auth.Tokens {
	t.Helper()
	opt := auth.TokenOptions{
		HS256Secret: hs256, Issuer: "us", Audience: "afterput", Leeway: -1, Now: func() time.Time { return tokenNow },
	}
	for _, f := range change {
		f(&opt)
	}
	tokens, err := auth.NewTokens(opt)
	require.NoError(t, err)
	return tokens
}

func byRSA(t *testing.T) func(*auth.TokenOptions) {
	return func(o *auth.TokenOptions) { o.HS256Secret, o.RS256PublicKey = "", publicPEM(t, &signer().PublicKey) }
}

func TestTokens(t *testing.T) {
	t.Parallel()
	good := sign(t, jwt.SigningMethodHS256, []byte(hs256), claims())
	id, err := newTokens(t).Verify(good)
	require.NoError(t, err)
	require.Equal(t, auth.Identity{Name: "user:oX", Owner: "oX", Scopes: []auth.Scope{auth.ScopeAnnounce, auth.ScopeRead}}, id)

	id, err = newTokens(t, byRSA(t)).Verify(sign(t, jwt.SigningMethodRS256, signer(), claims()))
	require.NoError(t, err)
	require.Equal(t, "oX", id.Owner)

	for claim, owner := range map[string]string{"customUserId": "oX", "uid": "u1", "sub": "s1"} {
		id, err = newTokens(t, func(o *auth.TokenOptions) { o.OwnerClaim = claim }).Verify(good)
		require.NoError(t, err)
		require.Equal(t, owner, id.Owner)
	}
	late := sign(t, jwt.SigningMethodHS256, []byte(hs256), claims(func(c jwt.MapClaims) { c["exp"] = tokenNow.Unix() - 10 }))
	_, err = newTokens(t, func(o *auth.TokenOptions) { o.Leeway = 0 }).Verify(late)
	require.NoError(t, err, "30 s of leeway")
	_, err = newTokens(t).Verify(late)
	require.ErrorContains(t, err, "expired")
}

// raw builds a token whose header is written by hand.
func raw(header, body, signature string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(header)) + "." + enc([]byte(body)) + "." + signature
}

func TestTokensForged(t *testing.T) {
	t.Parallel()
	hs := func(change func(jwt.MapClaims)) string {
		return sign(t, jwt.SigningMethodHS256, []byte(hs256), claims(change))
	}
	body, err := json.Marshal(claims())
	require.NoError(t, err)
	good := sign(t, jwt.SigningMethodHS256, []byte(hs256), claims())
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	critical := jwt.NewWithClaims(jwt.SigningMethodHS256, claims())
	critical.Header["crit"] = []string{"b64"}
	withCrit, err := critical.SignedString([]byte(hs256))
	require.NoError(t, err)
	byHS, byRS := newTokens(t), newTokens(t, byRSA(t))
	public := publicPEM(t, &signer().PublicKey)
	for _, tt := range []struct {
		name   string
		tokens *auth.Tokens
		token  string
	}{
		{"none", byHS, sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims())},
		{"none for RS256", byRS, sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims())},
		{"None", byHS, raw(`{"alg":"None","typ":"JWT"}`, string(body), "")},
		{"no alg", byHS, raw(`{"typ":"JWT"}`, string(body), "")},
		{"HS256 with the public key as secret", byRS, sign(t, jwt.SigningMethodHS256, []byte(public), claims())},
		{"HS512 by the right secret", byHS, sign(t, jwt.SigningMethodHS512, []byte(hs256), claims())},
		{"RS512 by the right key", byRS, sign(t, jwt.SigningMethodRS512, signer(), claims())},
		{"PS256 by the right key", byRS, sign(t, jwt.SigningMethodPS256, signer(), claims())},
		{"RS256 where HS256 is pinned", byHS, sign(t, jwt.SigningMethodRS256, signer(), claims())},
		{"another secret", byHS, sign(t, jwt.SigningMethodHS256, []byte(hs256+"x"), claims())},
		{"another key", byRS, sign(t, jwt.SigningMethodRS256, stranger, claims())},
		{"no signature", byHS, good[:strings.LastIndex(good, ".")+1]},
		{"truncated", byHS, good[:len(good)-4]},
		{"padded", byHS, good + "="},
		{"body altered", byHS, raw(`{"alg":"HS256","typ":"JWT"}`, strings.Replace(string(body), "oX", "oY", 1), good[strings.LastIndex(good, ".")+1:])},
		{"crit", byHS, withCrit},
		{"four parts", byHS, good + ".x"},
		{"empty", byHS, ".."},
		{"very long", byHS, good + strings.Repeat("x", 8<<10)},
		{"expired", byHS, hs(func(c jwt.MapClaims) { c["exp"] = tokenNow.Unix() - 1 })},
		{"never expires", byHS, hs(func(c jwt.MapClaims) { delete(c, "exp") })},
		{"not yet", byHS, hs(func(c jwt.MapClaims) { c["nbf"] = tokenNow.Unix() + 1 })},
		{"another issuer", byHS, hs(func(c jwt.MapClaims) { c["iss"] = "them" })},
		{"no issuer", byHS, hs(func(c jwt.MapClaims) { delete(c, "iss") })},
		{"another audience", byHS, hs(func(c jwt.MapClaims) { c["aud"] = "them" })},
		{"no audience", byHS, hs(func(c jwt.MapClaims) { delete(c, "aud") })},
		{"no owner", byHS, hs(func(c jwt.MapClaims) { delete(c, "customUserId") })},
		{"owner in another case", byHS, hs(func(c jwt.MapClaims) { delete(c, "customUserId"); c["CustomUserID"] = "oX" })},
		{"empty owner", byHS, hs(func(c jwt.MapClaims) { c["customUserId"] = "" })},
		{"owner is a number", byHS, hs(func(c jwt.MapClaims) { c["customUserId"] = 7 })},
		{"owner climbs", byHS, hs(func(c jwt.MapClaims) { c["customUserId"] = ".." })},
		{"owner is a path", byHS, hs(func(c jwt.MapClaims) { c["customUserId"] = "oX/oY" })},
		{"owner with a NUL", byHS, hs(func(c jwt.MapClaims) { c["customUserId"] = "o\x00" })},
		{"owner is long", byHS, hs(func(c jwt.MapClaims) { c["customUserId"] = strings.Repeat("o", 129) })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			id, err := tt.tokens.Verify(tt.token)
			var refusal *auth.Refusal
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, 401, refusal.Status)
			require.Zero(t, id)
			require.NotContains(t, refusal.Message, hs256)
		})
	}
}

func TestNewTokensRefuses(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	for want, opt := range map[string]auth.TokenOptions{
		"HS256 secret or an RS256":       {},
		"and not both":                   {HS256Secret: hs256, RS256PublicKey: "x"},
		"has 12 bytes: at least 32":      {HS256Secret: "hush-hush-hu"},
		"is a PEM file":                  {HS256Secret: publicPEM(t, &signer().PublicKey)},
		"no RSA public key":              {RS256PublicKey: "hush"},
		"has 1024 bits: at least 2048":   {RS256PublicKey: publicPEM(t, &small.PublicKey)},
		"RSA public key or certificate ": {RS256PublicKey: "-----BEGIN PUBLIC KEY-----\nhush\n-----END PUBLIC KEY-----"},
	} {
		_, err := auth.NewTokens(opt)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hush")
	}
}

const wechat = "https://servicewechat.com/wx0123456789abcdef/7/page-frame.html"

// TestGateUsers: end users come in where they are limited to what is theirs, only there,
// and only from a mini program that is allowed.
func TestGateUsers(t *testing.T) {
	t.Parallel()
	referers, err := auth.NewReferers(auth.RefererOptions{AppIDs: []string{"wx0123456789abcdef"}})
	require.NoError(t, err)
	var log bytes.Buffer
	gate := auth.NewGate(auth.Options{
		Keys: newKeys(t), Users: newTokens(t), Referers: referers, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	token := sign(t, jwt.SigningMethodHS256, []byte(hs256), claims())
	forged := sign(t, jwt.SigningMethodHS256, []byte(hs256+"x"), claims())
	for _, tt := range []struct {
		name          string
		own           bool
		scope         auth.Scope
		authorization string
		referer       string
		status        int
		answer        string
	}{
		{"announce", true, auth.ScopeAnnounce, "Bearer " + token, wechat, 200, "user:oX oX"},
		{"read", true, auth.ScopeRead, "Bearer " + token, wechat, 200, "user:oX oX"},
		{"not limited to own", false, auth.ScopeRead, "Bearer " + token, wechat, 403, "FORBIDDEN"},
		{"monitor", true, auth.ScopeMonitor, "Bearer " + token, wechat, 403, "FORBIDDEN"},
		{"admin", true, auth.ScopeAdmin, "Bearer " + token, wechat, 403, "FORBIDDEN"},
		{"as a password", true, auth.ScopeRead, basic("", token), wechat, 401, "UNAUTHORIZED"},
		{"forged", true, auth.ScopeRead, "Bearer " + forged, wechat, 401, "UNAUTHORIZED"},
		{"no Referer", true, auth.ScopeRead, "Bearer " + token, "", 403, "REFERER_NOT_ALLOWED"},
		{"a key needs no Referer", true, auth.ScopeRead, "Bearer " + shop, "", 200, "shop "},
		{"a Referer alone is nothing", true, auth.ScopeRead, "", wechat, 401, "UNAUTHORIZED"},
	} {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(auth.Caller(r.Context()) + " " + auth.Owner(r.Context())))
		})
		let := gate.Require
		if tt.own {
			let = gate.RequireOwn
		}
		r := request(http.MethodGet)
		if tt.authorization != "" {
			r.Header.Set("Authorization", tt.authorization)
		}
		if tt.referer != "" {
			r.Header.Set("Referer", tt.referer)
		}
		w := httptest.NewRecorder()
		let(tt.scope, handler).ServeHTTP(w, r)
		require.Equal(t, tt.status, w.Code, tt.name)
		require.Contains(t, w.Body.String(), tt.answer, tt.name)
	}
	require.Contains(t, log.String(), "not let in")
	for _, secret := range []string{token, forged, hs256, shop} {
		require.NotContains(t, log.String(), secret)
		require.NotContains(t, log.String(), secret[:16])
	}
}

func TestReferers(t *testing.T) {
	t.Parallel()
	const id = "wx0123456789abcdef"
	for _, tt := range []struct {
		referer                   string
		plain, devtools, version0 bool
	}{
		{"https://servicewechat.com/" + id + "/7/page-frame.html", true, true, true},
		{"https://appservice.wx.com/" + id + "/7/page-frame.html", true, true, true},
		{"https://servicewechat.com/" + id + "/0/page-frame.html", false, false, true},
		{"https://appservice.wx.com/" + id + "/0/page-frame.html", false, false, true},
		{"https://servicewechat.com/" + id + "/devtools/page-frame.html", false, true, false},
		{"https://appservice.wx.com/" + id + "/devtools/page-frame.html", false, true, false},
		{"https://servicewechat.com/" + id + "/00/page-frame.html", false, false, false},
		{"https://servicewechat.com/" + id + "/-1/page-frame.html", false, false, false},
		{"https://servicewechat.com/" + id + "//page-frame.html", false, false, false},
		{"https://servicewechat.com/wxffffffffffffffff/7/page-frame.html", false, false, false},
		{"https://servicewechat.com/" + id + "0/7/page-frame.html", false, false, false},
		{"http://servicewechat.com/" + id + "/7/page-frame.html", false, false, false},
		{"https://servicewechat.com.evil.example/" + id + "/7/page-frame.html", false, false, false},
		{"https://servicewechatXcom/" + id + "/7/page-frame.html", false, false, false},
		{"https://evil.example/https://servicewechat.com/" + id + "/7/page-frame.html", false, false, false},
		{"https://servicewechat.com@evil.example/" + id + "/7/page-frame.html", false, false, false},
		{"https://servicewechat.com:444/" + id + "/7/page-frame.html", false, false, false},
		{"https://servicewechat.com/" + id + "/7/page-frame.html?x", false, false, false},
		{"https://servicewechat.com/" + id + "/7/page-frame.html\n", false, false, false},
		{"https://servicewechat.com/" + id + "/7/../devtools/page-frame.html", false, false, false},
		{"", false, false, false},
	} {
		for _, c := range []struct {
			opt  auth.RefererOptions
			want bool
		}{
			{auth.RefererOptions{}, tt.plain},
			{auth.RefererOptions{AllowDevtools: true}, tt.devtools},
			{auth.RefererOptions{AllowVersion0: true}, tt.version0},
		} {
			c.opt.AppIDs = []string{"wxaaaaaaaaaaaaaaaa", id}
			referers, err := auth.NewReferers(c.opt)
			require.NoError(t, err)
			gate := auth.NewGate(auth.Options{Users: newTokens(t), Referers: referers})
			r := request(http.MethodGet)
			r.Header.Set("Authorization", "Bearer "+sign(t, jwt.SigningMethodHS256, []byte(hs256), claims()))
			r.Header["Referer"] = []string{tt.referer}
			w := httptest.NewRecorder()
			gate.RequireOwn(auth.ScopeRead, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
			require.Equal(t, c.want, w.Code == http.StatusOK, "%q with %+v: %s", tt.referer, c.opt, w.Body)
		}
	}
	for _, ids := range [][]string{nil, {""}, {"wx1"}, {"WX0123456789ABCDEF"}, {id, ".*"}} {
		_, err := auth.NewReferers(auth.RefererOptions{AppIDs: ids})
		require.Error(t, err)
	}
}
