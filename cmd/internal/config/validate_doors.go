package config

import (
	"encoding/base64"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"
)

// minSecret is the shortest bearer secret, minHS256 the shortest of tokens.
const (
	minSecret = 16
	minHS256  = 32
)

// hostName is a name of DNS, or nothing.
var hostName = regexp.MustCompile(`^([A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*)?$`)

// doors checks http and auth.
func (v *validator) doors() {
	c := v.cfg
	if _, port, err := net.SplitHostPort(c.HTTP.Listen); err != nil || port == "" {
		v.add("http.listen", "write host:port, such as 127.0.0.1:8080", "is %q", c.HTTP.Listen)
	}
	if at := c.Worker.Listen; at != "" {
		if _, port, err := net.SplitHostPort(at); err != nil || port == "" {
			v.add("worker.listen", "write host:port, such as 127.0.0.1:9464, or nothing", "is %q", at)
		}
	}
	if h := c.HTTP.PublicHost; net.ParseIP(h) == nil && !hostName.MatchString(h) {
		v.add("http.publicHost", "write the name alone, such as up.example.com", "is %q", h)
	}
	v.atLeast("http.maxBody", int64(c.HTTP.MaxBody), 1)
	v.atLeast("http.rateLimit.perKey", int64(c.HTTP.RateLimit.PerKey), 0)
	v.atLeast("http.rateLimit.perOwner", int64(c.HTTP.RateLimit.PerOwner), 0)
	v.atLeast("http.rateLimit.perIP", int64(c.HTTP.RateLimit.PerIP), 0)
	v.atLeast("http.progress.bytes", int64(c.HTTP.Progress.Bytes), 1)
	for key, d := range map[string]time.Duration{"every": c.HTTP.Progress.Every, "atMost": c.HTTP.Progress.AtMost} {
		if d < time.Second {
			v.add("http.progress."+key, "write at least 1s", "is %s", d)
		}
	}
	if (c.HTTP.TLS.CertFile == "") != (c.HTTP.TLS.KeyFile == "") {
		v.add("http.tls.certFile", "set both or none", "and keyFile go together")
	}
	v.keys()
	for i, s := range c.Auth.WebhookSecrets {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.Reveal(), "whsec_"))
		if err != nil || len(raw) < 24 || len(raw) > 64 {
			v.add("auth.webhookSecrets", "use one such as: echo whsec_$(openssl rand -base64 32)",
				"has at place %d no whsec_ with the base64 of 24 to 64 bytes", i+1)
		}
	}
	v.tokens()
	appID := regexp.MustCompile(`^wx[0-9a-f]{16}$`)
	for _, id := range c.Auth.Referers.AppIDs {
		if !appID.MatchString(id) {
			v.add("auth.referers.appids", "write wx and 16 of 0-9 a-f, as in the console of the mini program", "has %q", id)
		}
	}
}

func (v *validator) keys() {
	scopes := []string{"announce", "read", "monitor", "admin"}
	seen := make(map[string]bool)
	for i, k := range v.cfg.Auth.Keys {
		at := index("auth.keys", i)
		switch {
		case k.Name == "":
			v.add(at+".name", "give the key a name; it stands in logs", "is not set")
		case k.Name == "webhook" || strings.HasPrefix(k.Name, "user:"):
			v.add(at+".name", "give the key another name", "is %q, which is kept for callers without a key", k.Name)
		case seen[k.Name]:
			v.add(at+".name", "give each key its own name", "is %q a second time", k.Name)
		}
		seen[k.Name] = true
		if len(k.Secret) < minSecret {
			v.add(at+".secret", "use a random one, such as from: openssl rand -hex 24", "is shorter than %d characters", minSecret)
		}
		if len(k.Scopes) == 0 {
			v.add(at+".scopes", "write some of "+strings.Join(scopes, ", "), "is empty")
		}
		for _, s := range k.Scopes {
			if !slices.Contains(scopes, s) {
				v.add(at+".scopes", "write some of "+strings.Join(scopes, ", "), "has %q", s)
			}
		}
	}
}

// tokens checks auth.jwt. Whether a public key can be read is told when it is used.
func (v *validator) tokens() {
	j := v.cfg.Auth.JWT
	ways := 0
	for _, set := range []bool{j.HS256Secret != "", j.RS256PublicKey != "", j.RS256PublicKeyFile != ""} {
		if set {
			ways++
		}
	}
	switch {
	case ways > 1:
		v.add("auth.jwt", "keep one of hs256Secret, rs256PublicKey and rs256PublicKeyFile", "has more than one key")
	case j.HS256Secret != "" && len(j.HS256Secret) < minHS256:
		v.add("auth.jwt.hs256Secret", "use a random one, such as from: openssl rand -hex 32", "is shorter than %d characters", minHS256)
	case strings.Contains(j.HS256Secret.Reveal(), "-----BEGIN"):
		v.add("auth.jwt.hs256Secret", "put a public key into rs256PublicKey", "is a PEM file, which is no secret")
	}
	if j.Leeway < 0 || j.Leeway > 5*time.Minute {
		v.add("auth.jwt.leeway", "write 0s to 5m", "is %s", j.Leeway)
	}
	if len(v.cfg.Auth.Referers.AppIDs) > 0 && !j.Enabled() {
		v.add("auth.referers.appids", "set auth.jwt, or leave the list out: it is looked at for end users only",
			"is set, but no token lets an end user in")
	}
}
