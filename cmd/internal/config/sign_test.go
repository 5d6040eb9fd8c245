package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
)

func TestValidateSign(t *testing.T) {
	t.Parallel()
	type c = config.Config
	none := func(listen, owner string) func(*c) {
		return func(c *c) { c.Sign.Auth, c.Sign.DevOwner, c.HTTP.Listen = "none", owner, listen }
	}
	sts := func(endpoint string) func(*c) {
		return func(c *c) {
			c.Sign.STS = config.STS{Enabled: true, Endpoint: endpoint}
			c.Sign.SecretID, c.Sign.SecretKey = "AKID", "hush-sign"
		}
	}
	for _, tt := range []struct {
		want   string // empty for none
		change func(*c)
	}{
		{"", none("127.0.0.1:3000", "oDev")},
		{"", none("localhost:0", "oDev")},
		{"", none("[::1]:3000", "oDev")},
		{"", func(c *c) { c.Sign.SecretID, c.Sign.SecretKey = "AKID", "hush-sign" }},
		{"sign.auth is none, so that whoever reaches :3000 could upload", none(":3000", "oDev")},
		{"sign.auth is none, so that whoever reaches 0.0.0.0:3000 could upload", none("0.0.0.0:3000", "oDev")},
		{"sign.auth is none, so that whoever reaches 10.0.0.7:80 could upload", none("10.0.0.7:80", "oDev")},
		{"sign.auth is none, so that whoever reaches example.com:80 could upload", none("example.com:80", "oDev")},
		{`sign.auth is "off"`, func(c *c) { c.Sign.Auth = "off" }},
		{`sign.devOwner is "", and sign.auth is none`, none("127.0.0.1:3000", "")},
		{`sign.devOwner is "../x", and sign.auth is none`, none("127.0.0.1:3000", "../x")},
		{"sign.expires is 1s", func(c *c) { c.Sign.Expires = time.Second }},
		{"sign.expires is 25h0m0s", func(c *c) { c.Sign.Expires = 25 * time.Hour }},
		{"", func(c *c) { c.Sign.MultipartExpires = 7 * 24 * time.Hour }},
		{"sign.multipartExpires is 9s", func(c *c) { c.Sign.MultipartExpires = 9 * time.Second }},
		{"sign.multipartExpires is 168h0m1s", func(c *c) { c.Sign.MultipartExpires = 7*24*time.Hour + time.Second }},
		{"", func(c *c) {
			c.Sign.CallbackBase, c.Auth.CallbackSecret = "https://a.example.com/x", "hush-0123456789ab"
		}},
		{"sign.callbackBase is no http URL", func(c *c) { c.Sign.CallbackBase, c.Auth.CallbackSecret = "a.example.com", "hush-0123456789ab" }},
		{"sign.callbackBase is no http URL", func(c *c) { c.Sign.CallbackBase, c.Auth.CallbackSecret = "https://a/?b", "hush-0123456789ab" }},
		{"sign.callbackBase is set, and auth.callbackSecret is not", func(c *c) {
			c.Sign.CallbackBase, c.Auth.CallbackSecret = "https://a.example.com", ""
		}},
		{"", sts("https://sts.tencentcloudapi.com")},
		{"", sts("http://127.0.0.1:9000")},
		{"sign.sts.endpoint is no https URL", sts("http://sts.example.com")},
		{"sign.sts.endpoint is no https URL", sts("")},
		{"sign.sts.enabled is true, and the key of bucket", func(c *c) {
			c.Sign.STS.Enabled, c.Buckets[0].SessionToken = true, "hush"
		}},
		{"sign.secretKey and secretId go together", func(c *c) { c.Sign.SecretID = "AKID" }},
	} {
		t.Run(tt.want, func(t *testing.T) {
			t.Parallel()
			cfg := full()
			tt.change(cfg)
			err := cfg.Validate()
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			var e *config.Error
			require.ErrorAs(t, err, &e)
			require.Len(t, e.Findings, 1)
			require.Contains(t, err.Error(), tt.want)
			require.NotContains(t, err.Error(), "hush")
		})
	}
}
