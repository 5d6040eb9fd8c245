package auth

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// Bounds of tokens and of what signs them.
const (
	maxUserToken  = 8 << 10
	maxOwner      = 128 // bytes; an openid has 28
	minHS256      = 32  // bytes: RFC 7518, 3.2
	minRS256      = 2048
	defaultLeeway = 30 * time.Second
)

// UserCaller begins the name of callers that come by a token; the owner follows.
const UserCaller = "user:"

// TokenOptions configure NewTokens. Exactly one of HS256Secret and RS256PublicKey is set:
// it decides which algorithm is taken, whatever a token says of itself.
type TokenOptions struct {
	// HS256Secret is the shared secret, at least 32 bytes.
	HS256Secret string
	// RS256PublicKey is the public key or certificate as PEM, at least 2048 bits.
	RS256PublicKey string
	// Issuer and Audience must be the token's iss and in its aud. Empty: not compared.
	Issuer, Audience string
	// OwnerClaim names the claim that holds the owner: customUserId, uid or sub, or any
	// other. Defaults to customUserId.
	OwnerClaim string
	// Leeway is by how much clocks may differ. Negative: not at all. Defaults to 30 s.
	Leeway time.Duration
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Tokens verifies the JSON Web Tokens of end users.
type Tokens struct {
	parser *jwt.Parser
	key    any
	claim  string
}

// NewTokens checks the options. Its errors never quote a secret.
func NewTokens(opt TokenOptions) (*Tokens, error) {
	t := &Tokens{claim: opt.OwnerClaim}
	if t.claim == "" {
		t.claim = "customUserId"
	}
	method := jwt.SigningMethodHS256.Alg()
	switch {
	case (opt.HS256Secret == "") == (opt.RS256PublicKey == ""):
		return nil, errors.New("auth: tokens need an HS256 secret or an RS256 public key, and not both")
	case opt.HS256Secret != "" && len(opt.HS256Secret) < minHS256:
		return nil, fmt.Errorf("auth: the HS256 secret has %d bytes: at least %d", len(opt.HS256Secret), minHS256)
	case opt.HS256Secret != "" && strings.Contains(opt.HS256Secret, "-----BEGIN"):
		return nil, errors.New("auth: the HS256 secret is a PEM file: a public key is no secret")
	case opt.HS256Secret != "":
		t.key = []byte(opt.HS256Secret)
	default:
		key, err := publicKey(opt.RS256PublicKey)
		if err != nil {
			return nil, err
		}
		t.key, method = key, jwt.SigningMethodRS256.Alg()
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods([]string{method}), jwt.WithExpirationRequired(), jwt.WithStrictDecoding(), jwt.WithJSONNumber(),
	}
	if opt.Now != nil {
		options = append(options, jwt.WithTimeFunc(opt.Now))
	}
	switch {
	case opt.Leeway == 0:
		options = append(options, jwt.WithLeeway(defaultLeeway))
	case opt.Leeway > 0:
		options = append(options, jwt.WithLeeway(opt.Leeway))
	}
	if opt.Issuer != "" {
		options = append(options, jwt.WithIssuer(opt.Issuer))
	}
	if opt.Audience != "" {
		options = append(options, jwt.WithAudience(opt.Audience))
	}
	t.parser = jwt.NewParser(options...)
	return t, nil
}

func publicKey(pem string) (*rsa.PublicKey, error) {
	key, err := jwt.ParseRSAPublicKeyFromPEM([]byte(pem))
	if err != nil {
		return nil, errors.New("auth: the RS256 public key is no RSA public key or certificate in PEM")
	}
	if key.N.BitLen() < minRS256 {
		return nil, fmt.Errorf("auth: the RS256 public key has %d bits: at least %d", key.N.BitLen(), minRS256)
	}
	return key, nil
}

// looksLikeToken tells a token from a key: three parts between dots.
func looksLikeToken(s string) bool { return strings.Count(s, ".") == 2 }

// Verify gives the end user that a token is for. The error is a *Refusal with 401 that
// names the reason and never the token.
func (t *Tokens) Verify(token string) (Identity, error) {
	if len(token) > maxUserToken {
		return Identity{}, unauthorized("the token is too long")
	}
	claims := jwt.MapClaims{}
	_, err := t.parser.ParseWithClaims(token, claims, func(parsed *jwt.Token) (any, error) {
		// RFC 7515, 4.1.11: what a token calls critical must be understood, and we know none.
		if _, critical := parsed.Header["crit"]; critical {
			return nil, jwt.ErrTokenUnverifiable
		}
		return t.key, nil
	})
	if err != nil {
		return Identity{}, unauthorized(whyNot(err))
	}
	owner, ok := claims[t.claim].(string)
	if !ok || !goodOwner(owner) {
		return Identity{}, unauthorized("the token has no usable claim " + t.claim)
	}
	return Identity{Name: UserCaller + owner, Owner: owner, Scopes: []Scope{ScopeAnnounce, ScopeRead}}, nil
}

// whyNot words the reason without the token's own text.
func whyNot(err error) string {
	for _, reason := range []struct {
		is   error
		text string
	}{
		{jwt.ErrTokenSignatureInvalid, "the token's signature or algorithm is not the expected one"},
		{jwt.ErrTokenExpired, "the token has expired"},
		{jwt.ErrTokenNotValidYet, "the token is not valid yet"},
		{jwt.ErrTokenInvalidIssuer, "the token is of another issuer"},
		{jwt.ErrTokenInvalidAudience, "the token is for another audience"},
		{jwt.ErrTokenRequiredClaimMissing, "the token lacks a claim: exp, or the configured iss or aud"},
	} {
		if errors.Is(err, reason.is) {
			return reason.text
		}
	}
	return "the token cannot be read"
}

// goodOwner tells whether an owner can be one segment of users/{openid}/.
func goodOwner(s string) bool {
	if s == "" || len(s) > maxOwner || s == "." || s == ".." || !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c == '/' || c == '\\' || c == 0x7f })
}
