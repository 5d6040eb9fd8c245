package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
)

// full is a valid configuration with an element in every list.
func full() *config.Config {
	c := config.Default()
	c.Redis.URL = "redis://user:hush-redis@h:6379/0"
	c.Buckets = []config.Bucket{{
		Name: "a-1", Region: "r", Env: "e", Aliases: []string{"old"}, PublicBase: "https://h/${x}",
		SecretID: "id", SecretKey: "hush-cos", SessionToken: "hush-token", Visibility: "public",
	}}
	c.Hooks.URL = "https://h/p?key=hush-hook&x=1"
	c.Hooks.Secrets = []config.Secret{"whsec_" + "aHVzaC1odXNoLWh1c2gtaHVzaC1odXNoLWh1c2g="}
	c.Hooks.Endpoints = []config.HookEndpoint{{
		Name: "crm", URL: "https://h/p?key=hush-crm", Events: []string{"upload.done"}, Secrets: c.Hooks.Secrets, Timeout: time.Second,
	}}
	c.Auth.Keys = []config.Key{{Name: "a b: #", Secret: "hush-hush-hush-hush", Scopes: []string{"announce", "read"}}}
	c.Auth.WebhookSecrets = []config.Secret{"whsec_" + "aHVzaC1odXNoLWh1c2gtaHVzaC1odXNoLWh1c2g="}
	c.Auth.CallbackSecret = "hush-hush-hush-hush"
	c.Auth.JWT.HS256Secret = "hush-hush-hush-hush-hush-hush-hush"
	c.Auth.Referers.AppIDs = []string{"wx0123456789abcdef"}
	return c
}

func TestSampleIsTheDefaults(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load(config.Options{Path: write(t, "afterput.yaml", config.Sample())})
	require.NoError(t, err)
	require.Equal(t, config.Render(config.Default(), false), config.Render(cfg, false))

	for _, e := range full().Entries() {
		name := e.Key[strings.LastIndex(e.Key, ".")+1:]
		require.Regexp(t, regexp.MustCompile(`(?m)^[ #-]*`+regexp.QuoteMeta(name)+`:`), config.Sample(), e.Key)
	}
}

func TestRenderHidesAndEncodeReveals(t *testing.T) {
	t.Parallel()
	c := full()
	require.NoError(t, c.Validate())
	shown := config.Render(c, true)
	require.NotContains(t, shown, "hush")
	require.NotContains(t, shown, "whsec_")
	require.Contains(t, shown, `url: "redis://user:[redacted]@h:6379/0" # default`)
	require.Contains(t, shown, "secretKey: \"[redacted]\"")

	again, err := config.Load(config.Options{Path: write(t, "afterput.yaml", config.Encode(c))})
	require.NoError(t, err)
	require.Equal(t, config.Encode(c), config.Encode(again))
	require.Equal(t, c.Inherited().Buckets, again.Buckets)
	require.Equal(t, c.Auth, again.Auth)
	require.Equal(t, c.Hooks, again.Hooks)

	_, err = config.Load(config.Options{Path: write(t, "afterput.yaml", strings.ReplaceAll(shown, "visibility: public", "visibility: secret"))})
	require.ErrorContains(t, err, `buckets[0].visibility is "secret"`, "what is shown is YAML, too")
}

func TestSecretsAreHiddenEverywhere(t *testing.T) {
	t.Parallel()
	c := full()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb, *c)
		fmt.Fprintf(&out, verb, c.Buckets[0].SecretKey)
		fmt.Fprintf(&out, verb, c.Redis.URL)
	}
	raw, err := json.Marshal(c)
	require.NoError(t, err)
	out.Write(raw)
	raw, err = yaml.Marshal(c)
	require.NoError(t, err)
	out.Write(raw)
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("m", "config", c, "secret", c.Buckets[0].SecretKey, "url", c.Redis.URL)
	}
	require.NotContains(t, out.String(), "hush")
	require.NotContains(t, out.String(), fmt.Sprintf("%x", "hush"))
	require.Contains(t, out.String(), "[redacted]")
	require.Empty(t, config.Secret("").String(), "an empty one can be seen to be empty")
}

func TestURLHidesSecrets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"redis://h:6379/0", "redis://h:6379/0"},
		{"redis://:p%40@h/0", "redis://:[redacted]@h/0"},
		{"redis://u:p@ss@h/0", "redis://u:[redacted]@h/0"},
		{"redis://u:12/34@h/0", "[redacted]"},
		{"redis-sentinel://u:p,w@a:1,b:2,c/0?master=m", "redis-sentinel://u:[redacted]@a:1,b:2,c/0?master=m"},
		{"redis://u:pa?s@h/0", "[redacted]"},
		{"u:p@h", "[redacted]"},
		{"https://token@h/p", "https://[redacted]@h/p"},
		{"https://h/p?access_token=a&x=1", "https://h/p?access_token=[redacted]&x=1"},
		{"sqlite:///x.db?_pragma=a", "sqlite:///x.db?_pragma=a"},
	} {
		require.Equal(t, tt.want, config.URL(tt.in).String(), tt.in)
	}
}

func TestByteSize(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in    string
		want  config.ByteSize
		shown string
	}{
		{"20MB", 20_000_000, "20MB"},
		{"64MiB", 64 << 20, "64MiB"},
		{"1 gib", 1 << 30, "1GiB"},
		{"1500", 1500, "1500B"},
		{"0", 0, "0"},
		{"1000000", 1_000_000, "1MB"},
	} {
		got, err := config.ParseByteSize(tt.in)
		require.NoError(t, err)
		require.Equal(t, tt.want, got)
		require.Equal(t, tt.shown, got.String())
		again, err := config.ParseByteSize(got.String())
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
	for _, in := range []string{"", "MB", "-1", "1.5MB", "9999999999GiB", "5 apples", "99999999999999999999"} {
		_, err := config.ParseByteSize(in)
		require.Error(t, err, in)
	}
}
