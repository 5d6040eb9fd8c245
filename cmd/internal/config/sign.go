package config

import (
	"net"
	"net/url"
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
	// MultipartExpires is how long the parts of one file may be signed, 10s to 168h; never
	// less than Expires. Defaults to 2h.
	MultipartExpires time.Duration `yaml:"multipartExpires"`
	// CallbackBase is the address of serve as COS reaches it, such as
	// https://afterput.example.com: COS then calls back when an upload is complete, and
	// clients have to send the headers or fields of the answer. Needs auth.callbackSecret.
	// Empty by default: no callbacks.
	CallbackBase string `yaml:"callbackBase"`
	// STS signs with temporary keys.
	STS STS `yaml:"sts"`
}

// STS asks Tencent's Security Token Service for a temporary key for each signature, that
// may do this one thing with this one object.
type STS struct {
	// Enabled turns it on. Defaults to false.
	Enabled bool `yaml:"enabled"`
	// Endpoint is where it answers. Defaults to https://sts.tencentcloudapi.com; outside
	// mainland China it is https://sts.intl.tencentcloudapi.com.
	Endpoint string `yaml:"endpoint"`
}

var plainOwner = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

func (v *validator) sign() {
	s := v.cfg.Sign
	if s.Expires < 10*time.Second || s.Expires > 24*time.Hour {
		v.add("sign.expires", "write 10s to 24h", "is %s", s.Expires)
	}
	v.pair("sign", s.SecretID, s.SecretKey)
	if s.MultipartExpires < 10*time.Second || s.MultipartExpires > 7*24*time.Hour {
		v.add("sign.multipartExpires", "write 10s to 168h", "is %s", s.MultipartExpires)
	}
	v.signCallback()
	v.signSTS()
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

func (v *validator) signCallback() {
	base := v.cfg.Sign.CallbackBase
	if base == "" {
		return
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		v.add("sign.callbackBase", "write the address of serve as COS reaches it, such as https://afterput.example.com", "is no http URL")
	}
	if v.cfg.Auth.CallbackSecret == "" {
		v.add("sign.callbackBase", "set auth.callbackSecret, such as from: openssl rand -hex 32", "is set, and auth.callbackSecret is not: every callback would be refused")
	}
}

func (v *validator) signSTS() {
	s := v.cfg.Sign
	if !s.STS.Enabled {
		return
	}
	if u, err := url.Parse(s.STS.Endpoint); err != nil || u.Host == "" || (u.Scheme != "https" && !loopback(withPort(u.Host))) {
		v.add("sign.sts.endpoint", "write https://sts.tencentcloudapi.com or https://sts.intl.tencentcloudapi.com", "is no https URL")
	}
	for _, b := range v.cfg.Buckets {
		if b.Sign.SecretID == "" && b.SessionToken != "" {
			v.add("sign.sts.enabled", "set sign.secretId and sign.secretKey to a permanent key pair",
				"is true, and the key of bucket %s is a temporary one, which cannot ask for others", b.Name)
		}
	}
}

func withPort(host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(host, "443")
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
