package config

import "time"

// HTTP is the door of serve.
type HTTP struct {
	// Listen is host:port. Defaults to 127.0.0.1:8080.
	Listen string `yaml:"listen"`
	// PublicHost is the name under which phones reach serve, without scheme and port, such
	// as up.example.com. Only doctor reads it. Empty by default.
	PublicHost string `yaml:"publicHost"`
	// MaxBody is the largest request body. Defaults to 1MiB.
	MaxBody ByteSize `yaml:"maxBody"`
	// RateLimit holds callers to their rates.
	RateLimit RateLimit `yaml:"rateLimit"`
	// Progress is what a client must achieve while it sends a body.
	Progress Progress `yaml:"progress"`
	// TLS is the certificate; without one the door speaks plain HTTP.
	TLS TLS `yaml:"tls"`
}

// Progress cuts off clients that send a body too slowly.
type Progress struct {
	// Bytes have to arrive in each Every. Default to 1KiB in 10s.
	Bytes ByteSize      `yaml:"bytes"`
	Every time.Duration `yaml:"every"`
	// AtMost is the time for a body as a whole. Defaults to 2m.
	AtMost time.Duration `yaml:"atMost"`
}

// TLS is a certificate in files, which are read again when they change. Both or none.
type TLS struct {
	// CertFile has the certificate and those that lead to the root, as PEM.
	CertFile string `yaml:"certFile"`
	// KeyFile has the private key, as PEM.
	KeyFile string `yaml:"keyFile"`
}

// RateLimit are requests in a second for one caller; ten seconds' worth may come at once.
// 0 is no limit.
type RateLimit struct {
	// PerKey is for each key, and for all signed requests together. Defaults to 0.
	PerKey int `yaml:"perKey"`
	// PerOwner is for each end user, and for each object or folder of an owner that a
	// callback token is for. Defaults to 5.
	PerOwner int `yaml:"perOwner"`
	// PerIP is for each address that sends requests without a good credential. Defaults
	// to 10.
	PerIP int `yaml:"perIP"`
}

// Auth says who may come in.
type Auth struct {
	// Keys are the bearer keys of backends and people.
	Keys []Key `yaml:"keys"`
	// WebhookSecrets verify announcements that are signed by Standard Webhooks
	// (whsec_...); several while they rotate. Empty: signatures let nobody in.
	WebhookSecrets []Secret `yaml:"webhookSecrets"`
	// CallbackSecret makes and verifies the tokens in the URLs of COS upload callbacks, at
	// least 16 characters. Empty: callbacks let nobody in.
	CallbackSecret Secret `yaml:"callbackSecret"`
	// JWT lets end users in by a token.
	JWT JWT `yaml:"jwt"`
	// Referers limits end users to some mini programs.
	Referers Referers `yaml:"referers"`
}

// Events says how announcements are read.
type Events struct {
	// PathPattern reads owner, order and position from the names of objects, where nobody
	// else says them: users/{owner}/orders/{order}/{name}. Empty: names are not read.
	PathPattern string `yaml:"pathPattern"`
}

// JWT is what the tokens of end users must be. Without a secret and without a public key
// no token lets anybody in.
type JWT struct {
	// HS256Secret is the shared secret of HS256, at least 32 bytes.
	HS256Secret Secret `yaml:"hs256Secret"`
	// RS256PublicKey is the public key of RS256 as PEM, RS256PublicKeyFile a file with it.
	RS256PublicKey     string `yaml:"rs256PublicKey"`
	RS256PublicKeyFile string `yaml:"rs256PublicKeyFile"`
	// Issuer and Audience must be the token's iss and in its aud. Empty: not compared.
	Issuer   string `yaml:"issuer"`
	Audience string `yaml:"audience"`
	// OwnerClaim is the claim that holds the openid. Defaults to customUserId.
	OwnerClaim string `yaml:"ownerClaim" enum:"customUserId,uid,sub"`
	// Leeway is by how much clocks may differ. Defaults to 30s.
	Leeway time.Duration `yaml:"leeway"`
}

// Enabled tells whether tokens let anybody in.
func (j JWT) Enabled() bool {
	return j.HS256Secret != "" || j.RS256PublicKey != "" || j.RS256PublicKeyFile != ""
}

// Referers is the list of mini programs whose users may come in.
type Referers struct {
	// AppIDs are wx and 16 hex digits each. Empty: the Referer is not looked at.
	AppIDs []string `yaml:"appids"`
	// AllowDevtools lets in the developer tools, AllowVersion0 trial and development
	// versions. Both default to false.
	AllowDevtools bool `yaml:"allowDevtools"`
	AllowVersion0 bool `yaml:"allowVersion0"`
}

// Key is one bearer key.
type Key struct {
	// Name stands in logs and in the audit trail.
	Name string `yaml:"name"`
	// Secret is the bearer token, at least 16 characters.
	Secret Secret `yaml:"secret"`
	// Scopes are what the key may do, at least one: announce (uploads, and signatures for
	// them), read (uploads, letters, URLs), monitor (look at the monitor), admin (everything).
	Scopes []string `yaml:"scopes"`
}

// Monitor is asynqmon, mounted at /monitor.
type Monitor struct {
	// Enabled mounts it. Defaults to true.
	Enabled bool `yaml:"enabled"`
	// AllowWrites lets it change queues and tasks. Defaults to false.
	AllowWrites bool `yaml:"allowWrites"`
}
