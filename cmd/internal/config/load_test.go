package config_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
)

// write puts a file into a new directory and gives its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// findings loads what is wrong and gives the findings by line, with the path shortened.
func findings(t *testing.T, o config.Options) []string {
	t.Helper()
	_, err := config.Load(o)
	var e *config.Error
	require.ErrorAs(t, err, &e)
	lines := make([]string, len(e.Findings))
	for i, f := range e.Findings {
		if dir := filepath.Dir(o.Path); o.Path != "" && len(f.Where) > len(dir) && f.Where[:len(dir)] == dir {
			f.Where = f.Where[len(dir)+1:]
		}
		lines[i] = f.String()
	}
	return lines
}

func TestLoadPrecedence(t *testing.T) {
	t.Parallel()
	path := write(t, "afterput.yaml", "http:\n  listen: 127.0.0.1:1\n  maxBody: 2MiB\nsweep: {every: 7s}\nlog:\n  level: warn\n")
	cfg, err := config.Load(config.Options{
		Path:    path,
		Environ: []string{"AFTERPUT_HTTP_LISTEN=127.0.0.1:2", "AFTERPUT_LOG_LEVEL=error", "AFTERPUT_SWEEP_EVERY="},
		Flags:   map[string]string{"http.listen": "127.0.0.1:3"},
	})
	require.NoError(t, err)

	for key, want := range map[string]string{
		"http.listen":  "flag",
		"log.level":    "env AFTERPUT_LOG_LEVEL",
		"http.maxBody": path + ":3",
		"sweep.every":  path + ":4",
		"log.format":   "default",
	} {
		require.Equal(t, want, cfg.Origin(key).String(), key)
	}
	require.Equal(t, "127.0.0.1:3", cfg.HTTP.Listen)
	require.Equal(t, "error", cfg.Log.Level)
	require.Equal(t, 2*config.MiB, cfg.HTTP.MaxBody)
	require.Equal(t, 7*time.Second, cfg.Sweep.Every, "a variable that is empty counts as not set")
	require.Equal(t, "text", cfg.Log.Format)
}

func TestLoadPath(t *testing.T) {
	t.Parallel()
	path := write(t, "other.yaml", "log: {level: debug}\n")
	cfg, err := config.Load(config.Options{Environ: []string{"AFTERPUT_CONFIG=" + path}})
	require.NoError(t, err)
	require.Equal(t, "debug", cfg.Log.Level)

	cfg, err = config.Load(config.Options{})
	require.NoError(t, err, "no file at all is fine")
	require.Equal(t, config.Default(), cfg)

	_, err = config.Load(config.Options{Path: filepath.Join(t.TempDir(), "none.yaml")})
	require.ErrorContains(t, err, "cannot read the configuration file")
	require.ErrorContains(t, err, "afterput config init")
}

func TestLoadLists(t *testing.T) {
	t.Parallel()
	path := write(t, "afterput.yaml", `
buckets:
  - name: a-1250000000
    region: ap-guangzhou
    aliases: [old, older]
    env: prod
thumbnails:
  presets:
    - {name: tiny, width: 40, height: 40}
`)
	cfg, err := config.Load(config.Options{Path: path, Environ: []string{
		"AFTERPUT_BUCKETS_0_SECRET_ID=id", "AFTERPUT_BUCKETS_0_SECRET_KEY=k",
		"AFTERPUT_BUCKETS_1_NAME=b-1250000000", "AFTERPUT_BUCKETS_1_REGION=ap-shanghai",
		"AFTERPUT_CHECK_TYPES=image/jpeg, image/png",
	}})
	require.NoError(t, err)
	program := config.Credentials{Timeout: 10 * time.Second, Margin: 5 * time.Minute}
	want := &config.Config{Check: cfg.Check, Thumbnails: cfg.Thumbnails, CloudBase: cfg.CloudBase, Buckets: []config.Bucket{
		{
			Name: "a-1250000000", Region: "ap-guangzhou", Env: "prod", Aliases: []string{"old", "older"},
			SecretID: "id", SecretKey: "k", Visibility: "probe", Orders: "default", Credentials: program,
		},
		{Name: "b-1250000000", Region: "ap-shanghai", Visibility: "probe", Orders: "default", Credentials: program},
	}}
	require.Equal(t, want.Inherited().Buckets, cfg.Buckets)
	require.Equal(t, []config.Preset{{Name: "tiny", Width: 40, Height: 40, Mode: "fit", Background: "#ffffff", Quality: 80, Format: "jpeg"}}, cfg.Thumbnails.Presets,
		"a list in the file replaces the default, and its elements keep defaults of their own")
	require.Equal(t, []string{"image/jpeg", "image/png"}, cfg.Check.Types)
	require.Equal(t, path+":3", cfg.Origin("buckets[0].name").String())
}

func TestLoadSecrets(t *testing.T) {
	t.Parallel()
	file := write(t, "secret", "from-a-file\n")
	path := filepath.Join(filepath.Dir(file), "afterput.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`
redis:
  url: redis://u:${env:PASS}@h:6379/0
buckets:
  - {name: a-1, region: r, secretId: id, secretKey: "${file:secret}", publicBase: "https://h/$${x}"}
  - {name: b-1, region: r, secretId: id, secretKey: "${file:`+file+`}"}
`), 0o600))
	cfg, err := config.Load(config.Options{Path: path, Environ: []string{
		"PASS=word", "AFTERPUT_LEDGER_URL_FILE=" + write(t, "dsn", "sqlite:///x.db\r\n"),
	}})
	require.NoError(t, err)
	require.Equal(t, "redis://u:word@h:6379/0", cfg.Redis.URL.Reveal())
	require.Equal(t, "from-a-file", cfg.Buckets[0].SecretKey.Reveal(), "a relative path starts at the file's directory")
	require.Equal(t, "from-a-file", cfg.Buckets[1].SecretKey.Reveal())
	require.Equal(t, "https://h/${x}", cfg.Buckets[0].PublicBase)
	require.Equal(t, "sqlite:///x.db", cfg.Ledger.URL.Reveal())
	require.Equal(t, "env AFTERPUT_LEDGER_URL_FILE", cfg.Origin("ledger.url").String())
}

func TestLoadTellsEverything(t *testing.T) {
	t.Parallel()
	path := write(t, "afterput.yaml", `redis:
  uri: redis://h
check:
  maxPixels: many
  maxImageBytes: 20 apples
  withdraw: yes
  types: image/jpeg
  extension: strict
http: 8080
buckets:
  - nam: x
    region: ap-guangzhou
auth:
  keys:
    - {name: a, secret: short, scopes: [admin]}
retry:
  grace: 30
hooks:
  url: ${env:NOT_SET}
  secrets: [whsec_x]
chek: {}
`)
	require.Equal(t, []string{
		`afterput.yaml:2: redis.uri is not a key: did you mean url?`,
		`afterput.yaml:4: check.maxPixels is "many", which is not a whole number: write a whole number`,
		`afterput.yaml:5: check.maxImageBytes is "20 apples", which is not a size: write a number and a unit, such as 20MB or 64MiB`,
		`afterput.yaml:6: check.withdraw is "yes", which is neither true nor false: write true or false`,
		`afterput.yaml:7: check.types is a single value, not a list: write [a, b] or begin each element with '-'`,
		`afterput.yaml:9: http is a single value, not a section: write its keys below it, indented`,
		`afterput.yaml:11: buckets[0].nam is not a key: did you mean name?`,
		`afterput.yaml:17: retry.grace is "30", which is not a duration: write a number and a unit, such as 500ms, 30s or 24h`,
		`afterput.yaml:19: hooks.url refers to the environment variable NOT_SET, which is not set: set it, or write the value`,
		`afterput.yaml:21: chek is not a key: did you mean check?`,
		`env AFTERPUT_BUCKETS_3_...: buckets[3] has no element before it: number the elements from 0 without a gap`,
		`env AFTERPUT_BUCKETS_3_NAME: is not a key: did you mean AFTERPUT_BUCKETS_0_NAME?`,
		`env AFTERPUT_REDIS_URI: is not a key: did you mean AFTERPUT_REDIS_URL?`,
		`flag: redis.ulr is not a key: did you mean redis.url?`,
		`afterput.yaml:8: check.extension is "strict": write one of family, off`,
		`afterput.yaml:11: buckets[0].name is "", which is not a bucket name: write the full name with the appid, such as photos-1250000000`,
		`afterput.yaml:20: hooks.secrets has a secret (number 1) that is none by Standard Webhooks: write whsec_ and the base64 of 24 to 64 random bytes, such as from: openssl rand -base64 32`,
		`afterput.yaml:15: auth.keys[0].secret is shorter than 16 characters: use a random one, such as from: openssl rand -hex 24`,
	}, findings(t, config.Options{
		Path:    path,
		Environ: []string{"AFTERPUT_REDIS_URI=redis://h", "AFTERPUT_BUCKETS_3_NAME=x"},
		Flags:   map[string]string{"redis.ulr": "x"},
	}))
}

func TestLoadOneMistake(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, file, want string }{
		{"not YAML", "a: [", "is not YAML"},
		{"a key twice", "log:\n  level: info\n  level: warn\n", `afterput.yaml:3: is not YAML`},
		{"an alias", "log: &l {level: info}\nhttp: *l\n", "afterput.yaml:2: http is a YAML alias"},
		{"a list", "- a\n", "is a list, not a section"},
		{"two documents", "log: {}\n---\nhttp: {}\n", "begins a second document"},
		{"a broken reference", "hooks: {url: \"${vault:x}\"}\n", "has a reference that cannot be read"},
		{"a missing file", "hooks: {url: \"${file:/none/such}\"}\n", "refers to a file that cannot be read"},
		{"a section in a value", "log: {level: {a: b}}\n", "log.level is a section, not a single value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := findings(t, config.Options{Path: write(t, "afterput.yaml", tt.file)})
			require.Len(t, got, 1)
			require.Contains(t, got[0], tt.want)
		})
	}
}

func TestLoadEmpty(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"", "# only a comment\n", "redis:\n  url:\nbuckets:\nthumbnails:\n  presets:\n", "---\n"} {
		cfg, err := config.Load(config.Options{Path: write(t, "afterput.yaml", file)})
		require.NoError(t, err, file)
		require.Equal(t, config.Default().Entries()[0].Value, cfg.Entries()[0].Value)
		require.Len(t, cfg.Thumbnails.Presets, 3)
	}
}

func TestLoadEnvironment(t *testing.T) {
	t.Parallel()
	_, err := config.Load(config.Options{Environ: []string{
		"AFTERPUT_REDIS_SERVICE_HOST=10.0.0.1", "AFTERPUT_REDIS_PORT=tcp://10.0.0.1:6379",
		"AFTERPUT_REDIS_PORT_6379_TCP_ADDR=10.0.0.1", "AFTERPUT_TEST_REQUIRE=redis", "AFTERPUT_OUTPUT=json",
	}})
	require.NoError(t, err, "what Kubernetes sets for a Service, and names of others, are left alone")

	secret := write(t, "s", "redis://h")
	require.Equal(t,
		[]string{"env AFTERPUT_REDIS_URL: redis.url is set twice: unset AFTERPUT_REDIS_URL or AFTERPUT_REDIS_URL_FILE"},
		findings(t, config.Options{Environ: []string{"AFTERPUT_REDIS_URL=redis://h", "AFTERPUT_REDIS_URL_FILE=" + secret}}))

	got := findings(t, config.Options{Environ: []string{"AFTERPUT_REDIS_URL_FILE=/none/such"}})
	require.Len(t, got, 1)
	require.Contains(t, got[0], "env AFTERPUT_REDIS_URL_FILE: redis.url cannot be read")
}

func TestEveryKeyHasItsVariable(t *testing.T) {
	t.Parallel()
	seen := make(map[string]string)
	for _, e := range full().Entries() {
		require.Equal(t, e.Env, config.EnvName(e.Key))
		require.Empty(t, seen[e.Env], "two keys share %s", e.Env)
		seen[e.Env] = e.Key
	}
	require.Equal(t, "check.maxImageBytes", seen["AFTERPUT_CHECK_MAX_IMAGE_BYTES"])
	require.Equal(t, "tempurl.publicTTL", seen["AFTERPUT_TEMPURL_PUBLIC_TTL"])
	require.Equal(t, "buckets[0].secretId", seen["AFTERPUT_BUCKETS_0_SECRET_ID"])
}
