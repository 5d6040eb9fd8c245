package wire

import (
	"net/http"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline/objects"
	"github.com/afterput/afterput/pipeline/qsign"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/producer/auth"
	"github.com/afterput/afterput/producer/sign"
	"github.com/afterput/afterput/producer/sign/sts"
)

// registerSign mounts the doors that give signatures for direct uploads.
func (a *App) registerSign(mux producer.Mux, gate *auth.Gate, p *producer.Producer) error {
	c := a.Config
	opt := sign.Options{
		Ledger: p, Expires: c.Sign.Expires, MultipartExpires: c.Sign.MultipartExpires,
		CallbackBase: c.Sign.CallbackBase, CallbackSecret: []byte(c.Auth.CallbackSecret.Reveal()),
		ByBucket: make(map[string]sign.Rules), Logger: a.Log,
	}
	for _, b := range c.Buckets {
		opt.ByBucket[b.Name] = a.signRules(b)
		host, err := bucketOptions(b).Host()
		if err != nil {
			return &OpenError{PartStorage, err}
		}
		bucket := sign.Bucket{Name: b.Name, Host: host, Region: b.Region, Key: a.signKey(b)}
		if p := a.credentials[b.Name]; p != nil && b.Sign.SecretID == "" {
			bucket.Keys = p.Key
		}
		if c.Sign.STS.Enabled {
			if bucket.Issuer, err = a.issuer(bucket); err != nil {
				return err
			}
		}
		opt.Buckets = append(opt.Buckets, bucket)
	}
	signer, err := sign.New(opt)
	if err != nil {
		return err
	}
	door := sign.Door{
		Owner:   auth.Owner,
		Require: func(next http.Handler) http.Handler { return gate.RequireOwn(auth.ScopeAnnounce, next) },
	}
	if c.Sign.Auth == "none" {
		door = sign.Loopback(c.Sign.DevOwner)
	}
	signer.Register(mux, door)
	return nil
}

// signRules are what a bucket lets be uploaded.
func (a *App) signRules(b config.Bucket) sign.Rules {
	r := sign.Rules{
		Types: b.Check.Types, Orders: a.takesOrders(b), Store: storeName(b),
		MaxImageBytes: int64(b.Check.MaxImageBytes), MaxVideoBytes: int64(b.Check.MaxVideoBytes),
	}
	if b.Check.Extension == "off" { // .jpg may hold a video then
		r.MaxImageBytes = max(r.MaxImageBytes, r.MaxVideoBytes)
		r.MaxVideoBytes = r.MaxImageBytes
	}
	return r
}

// issuer asks for temporary keys by the key that would sign itself.
func (a *App) issuer(b sign.Bucket) (*sts.Client, error) {
	c, err := sts.New(sts.Options{Key: b.Key, Region: b.Region, Endpoint: a.Config.Sign.STS.Endpoint})
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, c.Close)
	return c, nil
}

// signKey is the key pair that signs for a bucket: one that may only put, where there is.
func (a *App) signKey(b config.Bucket) qsign.Key {
	if s := b.Sign; s.SecretID != "" {
		return qsign.Key{ID: s.SecretID, Secret: s.SecretKey.Reveal()}
	}
	return qsign.Key{ID: b.SecretID, Secret: b.SecretKey.Reveal(), Token: b.SessionToken.Reveal(), Expires: b.ExpiresAt()}
}

func bucketOptions(b config.Bucket) objects.BucketOptions {
	return objects.BucketOptions{
		Name: b.Name, Region: b.Region, Endpoint: b.Endpoint, PublicBase: b.PublicBase, Env: b.Env,
		SecretID: b.SecretID, SecretKey: b.SecretKey.Reveal(), SessionToken: b.SessionToken.Reveal(), Expires: b.ExpiresAt(),
		Processing: b.Processing,
	}
}
