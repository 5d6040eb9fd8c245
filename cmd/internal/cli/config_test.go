package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
)

func TestWithoutRedisURL(t *testing.T) {
	t.Parallel()
	path := file(t, "log: {level: info}\n")
	for _, args := range [][]string{{"serve"}, {"worker"}, {"serve", "--with-worker"}, {"dead", "list"}, {"config", "validate", "--for", "worker"}} {
		r := do(t, append(args, "-c", path)...)
		require.Equal(t, exitConfig, r.code, args)
		require.Contains(t, r.err, "redis.url is not set: set AFTERPUT_REDIS_URL=redis://host:6379/0")
		require.Empty(t, r.out)
	}
	f := do(t, "worker", "-c", path, "-o", "json").failure(t)
	require.Equal(t, map[string]any{"type": "error", "code": "config_invalid", "exit_code": 10.0}, pick(f, "type", "code", "exit_code"))
}

func TestConfigInit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new.yaml")
	r := do(t, "config", "init", path)
	require.Equal(t, exitOK, r.code)
	require.Empty(t, r.out)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it will hold secrets")
	require.Equal(t, exitOK, do(t, "config", "validate", "-c", path).code)

	again := do(t, "config", "init", path)
	require.Equal(t, exitConflict, again.code)
	require.Contains(t, again.err, "exists already")
	require.Equal(t, config.Sample(), do(t, "config", "init").out)
}

func TestConfigMistakes(t *testing.T) {
	t.Parallel()
	path := file(t, "redis:\n  ulr: redis://127.0.0.1:1/0\ncheck:\n  maxPixels: many\n")
	r := do(t, "config", "validate", "-c", path)
	require.Equal(t, exitConfig, r.code)
	require.Contains(t, r.err, path+":2: redis.ulr is not a key: did you mean url?")
	require.Contains(t, r.err, path+":4: check.maxPixels")

	r = do(t, "config", "validate", "-c", path+".not")
	require.Equal(t, exitConfig, r.code)
	require.Contains(t, r.err, "afterput config init")
}

func TestConfigSchemaAndEnv(t *testing.T) {
	t.Parallel()
	r := do(t, "config", "schema")
	require.Equal(t, exitOK, r.code, r.err)
	var schema struct {
		Schema     string                    `json:"$schema"`
		Properties map[string]map[string]any `json:"properties"`
	}
	require.NoError(t, json.Unmarshal([]byte(r.out), &schema))
	require.Equal(t, "https://json-schema.org/draft/2020-12/schema", schema.Schema)
	require.Contains(t, schema.Properties, "redis")

	r = do(t, "config", "env", "-o", "plain", "--no-headers")
	require.Equal(t, exitOK, r.code, r.err)
	require.Contains(t, r.out, "AFTERPUT_BUCKETS_0_SECRET_KEY\tbuckets[0].secretKey\t\tyes\n")
	require.Contains(t, r.out, "AFTERPUT_CHECK_MAX_PIXELS\tcheck.maxPixels\t50000000\tno\n")
}

// The secret that every place of a configuration holds here must come out nowhere.
const secret = "hunter2hunter2hunter2hunter2hunter2" //nolint:gosec // it is the test's

const secretConfig = `
redis: {url: "redis://app:` + secret + `@127.0.0.1:1/0"}
ledger: {url: "sqlite://LEDGER"}
buckets:
  - name: photos-1250000000
    region: ap-guangzhou
    endpoint: http://127.0.0.1:1
    secretId: AKIDEXAMPLE
    secretKey: ` + secret + `
    sessionToken: ` + secret + `
hooks:
  url: "https://example.com/in?token=` + secret + `"
  secrets: [whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnRlcjI=]
auth:
  keys:
    - name: backend
      secret: ` + secret + `
      scopes: [announce]
http: {listen: "127.0.0.1:0"}
`

func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	path := file(t, strings.Replace(secretConfig, "LEDGER", filepath.Join(t.TempDir(), "l.db"), 1))
	broken := file(t, strings.Replace(secretConfig, "scopes: [announce]", "scopes: [announce", 1))
	wrong := file(t, strings.Replace(secretConfig, "redis://app", "http://app", 1))
	for _, args := range [][]string{
		{"config", "show", "-c", path},
		{"config", "show", "--origin", "-c", path},
		{"config", "show", "-o", "json", "-c", path},
		{"config", "show", "-o", "jsonl", "-c", path},
		{"config", "validate", "--for", "worker", "-c", path},
		{"worker", "-v", "-c", path},
		{"enqueue", "-v", "users/o1/1.jpg", "-c", path},
		{"explain", "nothing", "-c", path},
		{"config", "validate", "-c", broken},
		{"config", "validate", "-c", wrong},
		{"worker", "-c", wrong},
	} {
		r := do(t, args...)
		for _, s := range []string{secret, "aHVudGVyMm"} {
			require.NotContains(t, r.out, s, args)
			require.NotContains(t, r.err, s, args)
		}
		require.NotEmpty(t, r.out+r.err, args)
	}
	env := []string{"AFTERPUT_REDIS_URL=http://x:" + secret + "@y", "AFTERPUT_AUTH_KEYS_0_SECRET=" + secret}
	r := doWith(t, env, "", "config", "validate", "-c", path)
	require.Equal(t, exitConfig, r.code)
	require.NotContains(t, r.err, secret)
}

func TestConfigShow(t *testing.T) {
	t.Parallel()
	path := file(t, secretConfig)
	out := do(t, "config", "show", "--origin", "-c", path).out
	require.Contains(t, out, `url: "redis://app:[redacted]@127.0.0.1:1/0" # `+path+":2")
	require.Contains(t, out, "maxPixels: 50000000 # default")

	r := doWith(t, []string{"AFTERPUT_LOG_LEVEL=warn"}, "", "config", "show", "-o", "json", "-c", path)
	require.Equal(t, exitOK, r.code, r.err)
	v := r.object(t)
	require.Equal(t, "afterput.config.v1", v["schema"])
	items, ok := v["items"].([]any)
	require.True(t, ok)
	require.Contains(t, items, map[string]any{
		"key": "log.level", "value": "warn", "origin": "env AFTERPUT_LOG_LEVEL", "env": "AFTERPUT_LOG_LEVEL",
	})
}
