package wire

import (
	"fmt"
	"os"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/producer/auth"
)

// gate makes what lets callers in.
func (a *App) gate() (*auth.Gate, error) {
	c := a.Config.Auth
	opt := auth.Options{MaxBody: int64(a.Config.HTTP.MaxBody), Logger: a.Log}
	rates := a.Config.HTTP.RateLimit
	opt.Limits = auth.NewLimits(auth.LimitOptions{PerKey: rates.PerKey, PerOwner: rates.PerOwner, PerAddress: rates.PerIP})
	var err error
	if opt.Keys, err = keys(c.Keys); err != nil {
		return nil, err
	}
	if len(c.WebhookSecrets) > 0 {
		secrets := make([]string, len(c.WebhookSecrets))
		for i, s := range c.WebhookSecrets {
			secrets[i] = s.Reveal()
		}
		if opt.Webhooks, err = auth.NewWebhooks(auth.WebhookOptions{Secrets: secrets}); err != nil {
			return nil, err
		}
	}
	if c.JWT.Enabled() {
		if opt.Users, err = tokens(c.JWT); err != nil {
			return nil, err
		}
	}
	if r := c.Referers; len(r.AppIDs) > 0 {
		opt.Referers, err = auth.NewReferers(auth.RefererOptions{
			AppIDs: r.AppIDs, AllowDevtools: r.AllowDevtools, AllowVersion0: r.AllowVersion0,
		})
		if err != nil {
			return nil, err
		}
	}
	return auth.NewGate(opt), nil
}

func keys(list []config.Key) (*auth.Keys, error) {
	keys := make([]auth.Key, 0, len(list))
	for _, k := range list {
		key := auth.Key{Name: k.Name, Secret: k.Secret.Reveal()}
		for _, s := range k.Scopes {
			key.Scopes = append(key.Scopes, auth.Scope(s))
		}
		keys = append(keys, key)
	}
	return auth.NewKeys(keys)
}

func tokens(c config.JWT) (*auth.Tokens, error) {
	opt := auth.TokenOptions{
		HS256Secret: c.HS256Secret.Reveal(), RS256PublicKey: c.RS256PublicKey,
		Issuer: c.Issuer, Audience: c.Audience, OwnerClaim: c.OwnerClaim, Leeway: c.Leeway,
	}
	if opt.Leeway == 0 {
		opt.Leeway = -1 // written as 0s: no leeway
	}
	if c.RS256PublicKeyFile != "" {
		pem, err := os.ReadFile(c.RS256PublicKeyFile)
		if err != nil {
			return nil, fmt.Errorf("auth.jwt.rs256PublicKeyFile: %w", err)
		}
		opt.RS256PublicKey = string(pem)
	}
	return auth.NewTokens(opt)
}
