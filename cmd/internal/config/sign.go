package config

import (
	"net"
	"regexp"
	"strings"
	"time"
)

// Sign gives signatures for direct uploads.
type Sign struct {
	// Expires is how long a signature holds, 10s to 24h. Defaults to 10m.
	Expires time.Duration `yaml:"expires"`
	// SecretID and SecretKey are a key pair that may only put objects, for all buckets.
	// Empty: each bucket's own.
	SecretID  string `yaml:"secretId"`
	SecretKey Secret `yaml:"secretKey"`
	// Auth is key, or none: no key is asked for and every file is DevOwner's, which is
	// allowed on loopback only. Defaults to key.
	Auth string `yaml:"auth" enum:"key,none"`
	// DevOwner is the openid of everybody where Auth is none. Empty by default.
	DevOwner string `yaml:"devOwner"`
}

var plainOwner = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

func (v *validator) sign() {
	s := v.cfg.Sign
	if s.Expires < 10*time.Second || s.Expires > 24*time.Hour {
		v.add("sign.expires", "write 10s to 24h", "is %s", s.Expires)
	}
	if (s.SecretID == "") != (s.SecretKey == "") {
		v.add("sign.secretKey", "set secretId and secretKey, or none of them", "and secretId go together, and only one is set")
	}
	if s.Auth != "none" {
		return
	}
	if !loopback(v.cfg.HTTP.Listen) {
		v.add("sign.auth", "set it to key, or http.listen to 127.0.0.1:3000",
			"is none, so that whoever reaches %s could upload", v.cfg.HTTP.Listen)
	}
	if !plainOwner.MatchString(s.DevOwner) {
		v.add("sign.devOwner", "write the openid that every upload belongs to, 1 to 128 of A-Z a-z 0-9 _ -",
			"is %q, and sign.auth is none", s.DevOwner)
	}
}

// loopback tells whether only this machine reaches an address: localhost or an IP of
// loopback. An empty host listens everywhere.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || (ip != nil && ip.IsLoopback())
}
