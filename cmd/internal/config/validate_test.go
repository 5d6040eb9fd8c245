package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
)

// bucketOf is a bucket of a CloudBase environment.
func bucketOf(name, env string, aliases ...string) config.Bucket {
	return config.Bucket{Name: name, Region: "ap-guangzhou", Env: env, Aliases: aliases, Visibility: "probe"}
}

func TestDefaultIsValid(t *testing.T) {
	t.Parallel()
	require.NoError(t, config.Default().Validate())
}

func TestValidate(t *testing.T) {
	t.Parallel()
	type c = config.Config
	for _, tt := range []struct {
		want   string
		change func(*c)
	}{
		{"redis.url begins with none of redis://, rediss://, redis-sentinel://, rediss-sentinel://, redis-cluster://, rediss-cluster://, unix://", func(c *c) { c.Redis.URL = "http://h" }},
		{"redis.url is not a URL", func(c *c) { c.Redis.URL = "redis://u:p%zz@h" }},
		{"redis.url names no host", func(c *c) { c.Redis.URL = "redis:///0" }},
		{"redis.url names no host", func(c *c) { c.Redis.URL = "redis-sentinel://a:1,:2/0?master=m" }},
		{`redis.url names the host "b:x", which is none`, func(c *c) { c.Redis.URL = "redis-sentinel://a:1,b:x/0?master=m" }},
		{"redis.url names no socket", func(c *c) { c.Redis.URL = "unix://" }},
		{"redis.url names several hosts, and says not what they are", func(c *c) { c.Redis.URL = "redis://a,b" }},
		{"redis.url does not name the master", func(c *c) { c.Redis.URL = "redis-sentinel://a,b" }},
		{"redis.url names a master, and no sentinels", func(c *c) { c.Redis.URL = "redis://a?master=m" }},
		{"redis.url names a master, and no sentinels", func(c *c) { c.Redis.URL = "redis-cluster://a,b?master=m" }},
		{"redis.url names a database, and a cluster has one alone", func(c *c) { c.Redis.URL = "redis-cluster://a,b/2" }},
		{"redis.url names a database, and a cluster has one alone", func(c *c) { c.Redis.URL = "redis-cluster://a,b?db=1" }},
		{"redis.url names no host", func(c *c) { c.Redis.URL = "redis-cluster://a,,b" }},
		{"redis.tls is set, and redis.url does not speak TLS", func(c *c) {
			c.Redis = config.Redis{URL: "redis-cluster://a", TLS: config.RedisTLS{CAFile: "x"}}
		}},
		{"redis.sentinel is set, and redis.url names no sentinels", func(c *c) {
			c.Redis = config.Redis{URL: "redis-cluster://a", Sentinel: config.RedisSentinel{Password: "x"}}
		}},
		{"redis.tls is set, and redis.url does not speak TLS", func(c *c) { c.Redis = config.Redis{URL: "redis://a", TLS: config.RedisTLS{CAFile: "x"}} }},
		{"redis.tls.certFile and keyFile go together", func(c *c) { c.Redis = config.Redis{URL: "rediss://a", TLS: config.RedisTLS{CertFile: "x"}} }},
		{"redis.sentinel is set, and redis.url names no sentinels", func(c *c) {
			c.Redis = config.Redis{URL: "redis://a", Sentinel: config.RedisSentinel{Password: "x"}}
		}},
		{"ledger.url is empty", func(c *c) { c.Ledger.URL = "" }},
		{"ledger.url cannot be used: database URL \"redis://[redacted]\"", func(c *c) { c.Ledger.URL = "redis://u:secret@h/0" }},
		{"ledger.url cannot be used: database URL \"mysql://[redacted]\" names no database", func(c *c) { c.Ledger.URL = "mysql://u:secret@h" }},
		{"ledger.url names no file", func(c *c) { c.Ledger.URL = "sqlite://" }},
		{"orders.url cannot be used: database URL \"oracle://[redacted]\"", func(c *c) { c.Orders.URL = "oracle://h/db" }},
		{"orders.url names no file", func(c *c) { c.Orders.URL = "sqlite://" }},
		{"orders.url cannot be used: database URL \"mysql://[redacted]\" names no database", func(c *c) { c.Orders.URL = "mysql://u:p@h" }},
		{"orders.table is \"a.b.c\"", func(c *c) { c.Orders.Table = "a.b.c" }},
		{"orders.ownerColumn is \"a.b\"", func(c *c) { c.Orders.OwnerColumn = "a.b" }},
		{"orders.table is \"a; drop\"", func(c *c) { c.Orders.Table = "a; drop" }},
		{"orders.keyColumn is \"a.b\"", func(c *c) { c.Orders.KeyColumn = "a.b" }},
		{"orders.url is in CloudBase, and no key for it is set", func(c *c) { c.Orders.URL = "cloudbase://env-1a2b3c" }},
		{"orders.url names no environment", func(c *c) { c.Orders.URL, c.CloudBase.APIKey = "cloudbase://env-1a2b3c/orders", "k" }},
		{"orders.table is \"a.b\"", func(c *c) { c.Orders.URL, c.CloudBase.APIKey, c.Orders.Table = "cloudbase://e", "k", "a.b" }},
		{"orders.versionColumn is \"$v\"", func(c *c) { c.Orders.VersionColumn = "$v" }},
		{"retry.gather is 30s, and an attach ends after 30s", func(c *c) { c.Retry.Gather = 30 * time.Second }},
		{"retry.gather is -1s", func(c *c) { c.Retry.Gather = -time.Second }},
		{"buckets[0].region is \"\"", func(c *c) { c.Buckets[0].Region = "" }},
		{"buckets[1].name is \"a-1\" a second time", func(c *c) { c.Buckets = append(c.Buckets, c.Buckets[0]) }},
		{"buckets[0].aliases are set for a bucket without env", func(c *c) { c.Buckets[0].Env = "" }},
		{"buckets[0].secretKey and secretId go together", func(c *c) { c.Buckets[0].SecretID = "" }},
		{"buckets[0].endpoint begins with none of", func(c *c) { c.Buckets[0].Endpoint = "host:80" }},
		{"check.types has \"text/html\"", func(c *c) { c.Check.Types = []string{"text/html"} }},
		{"check.types is empty", func(c *c) { c.Check.Types = nil }},
		{"check.maxPixels is 0: write at least 1", func(c *c) { c.Check.MaxPixels = 0 }},
		{"thumbnails.prefix is \"/thumbs\"", func(c *c) { c.Thumbnails.Prefix = "/thumbs" }},
		{"thumbnails.prefix is \"a/../\"", func(c *c) { c.Thumbnails.Prefix = "a/../" }},
		{"thumbnails.prefix is inside users/", func(c *c) { c.Thumbnails.Prefix = "users/t/" }},
		{"thumbnails.presets[1].name is \"small\" a second time", func(c *c) { c.Thumbnails.Presets[1].Name = "small" }},
		{"thumbnails.presets[0].width is 0", func(c *c) { c.Thumbnails.Presets[0].Width = 0 }},
		{"thumbnails.presets[0].quality is 101", func(c *c) { c.Thumbnails.Presets[0].Quality = 101 }},
		{"thumbnails.presets[2].mode is \"crop\"", func(c *c) { c.Thumbnails.Presets[2].Mode = "crop" }},
		{"thumbnails.presets[2].format is \"webp\"", func(c *c) { c.Thumbnails.Presets[2].Format = "webp" }},
		{"thumbnails.presets[0].background is \"white\"", func(c *c) { c.Thumbnails.Presets[0].Background = "white" }},
		{"thumbnails.video is \"on\"", func(c *c) { c.Thumbnails.Video = "on" }},
		{"thumbnails.minRows is 0", func(c *c) { c.Thumbnails.MinRows = 0 }},
		{"thumbnails.engine is \"vips\"", func(c *c) { c.Thumbnails.Engine = "vips" }},
		{"thumbnails.cacheControl has characters", func(c *c) { c.Thumbnails.CacheControl = "a\r\nb" }},
		{"http.publicHost is \"https://up.example.com\"", func(c *c) { c.HTTP.PublicHost = "https://up.example.com" }},
		{"http.publicHost is \"up.example.com:443\"", func(c *c) { c.HTTP.PublicHost = "up.example.com:443" }},
		{"hooks.url begins with none of https://", func(c *c) { c.Hooks.URL = "http://h" }},
		{"hooks.endpoints[0].name is \"\": write 1 to 32 of", endpoint(func(e *config.HookEndpoint) { e.Name = "" })},
		{"hooks.endpoints[0].name is \"A b\"", endpoint(func(e *config.HookEndpoint) { e.Name = "A b" })},
		{"hooks.endpoints[0].name is \"default\" a second time", endpoint(func(e *config.HookEndpoint) { e.Name = "default" })},
		{"hooks.endpoints[0].url is not set", endpoint(func(e *config.HookEndpoint) { e.URL = "" })},
		{"hooks.endpoints[0].url begins with none of https://", endpoint(func(e *config.HookEndpoint) { e.URL = "http://h" })},
		{"hooks.events has \"order.lost\"", func(c *c) { c.Hooks.Events = []string{"order.lost"} }},
		{"hooks.endpoints[0].events has \"upload.lost\"", endpoint(func(e *config.HookEndpoint) { e.Events = []string{"upload.lost"} })},
		{"hooks.endpoints[0].secrets is empty", endpoint(func(e *config.HookEndpoint) { e.Secrets = nil })},
		{"hooks.endpoints[0].secrets has a secret (number 1)", endpoint(func(e *config.HookEndpoint) { e.Secrets = []config.Secret{"whsec_aHVzaA=="} })},
		{"hooks.timeout is 1m0s, and timeouts.notify ends every attempt after 30s", func(c *c) { c.Hooks.Timeout = time.Minute }},
		{"hooks.endpoints[0].timeout is 31s, and timeouts.notify", endpoint(func(e *config.HookEndpoint) { e.Timeout = 31 * time.Second })},
		{"hooks.endpoints[0].timeout is -1s", endpoint(func(e *config.HookEndpoint) { e.Timeout = -time.Second })},
		{"hooks.secrets is empty", func(c *c) { c.Hooks.Secrets = nil }},
		{"cloudbase.controlEndpoint begins with none of https://", func(c *c) { c.CloudBase.ControlEndpoint = "tcb" }},
		{"buckets[0].visibility is rule, which takes an env and a key pair", func(c *c) { c.Buckets[0].Visibility = "rule" }},
		{`buckets[1].aliases has "test", which is an alias of buckets[0]`, func(c *c) {
			c.Buckets = []config.Bucket{bucketOf("a-1", "prod", "test"), bucketOf("b-1", "other", "test")}
		}},
		{`buckets[0].aliases has "test", which is the env of buckets[1]`, func(c *c) {
			c.Buckets = []config.Bucket{bucketOf("a-1", "prod", "test"), bucketOf("b-1", "test")}
		}},
		{"cloudbase.secretKey and secretId go together", func(c *c) { c.CloudBase.SecretID = "AKID" }},
		{"cloudbase.endpoint begins with none of https://", func(c *c) { c.CloudBase.Endpoint = "env.gateway" }},
		{"tempurl.publicTTL is 1s", func(c *c) { c.TempURL.PublicTTL = time.Second }},
		{"tempurl.privateTTL is 0s", func(c *c) { c.TempURL.PrivateTTL = 0 }},
		{"tempurl.privateTTL is 25h", func(c *c) { c.TempURL.PrivateTTL = 25 * time.Hour }},
		{"tempurl.missTTL is -1s", func(c *c) { c.TempURL.MissTTL = -time.Second }},
		{"http.listen is \"8080\"", func(c *c) { c.HTTP.Listen = "8080" }},
		{"worker.listen is \"9464\"", func(c *c) { c.Worker.Listen = "9464" }},
		{"http.progress.bytes is 0", func(c *c) { c.HTTP.Progress.Bytes = 0 }},
		{"http.progress.every is 0s", func(c *c) { c.HTTP.Progress.Every = 0 }},
		{"http.progress.atMost is 1ms", func(c *c) { c.HTTP.Progress.AtMost = time.Millisecond }},
		{"http.tls.certFile and keyFile go together", func(c *c) { c.HTTP.TLS.KeyFile = "key.pem" }},
		{"http.rateLimit.perKey is -1", func(c *c) { c.HTTP.RateLimit.PerKey = -1 }},
		{"auth.keys[1].name is \"a b: #\" a second time", func(c *c) { c.Auth.Keys = append(c.Auth.Keys, c.Auth.Keys[0]) }},
		{"auth.keys[0].scopes has \"write\"", func(c *c) { c.Auth.Keys[0].Scopes = []string{"write"} }},
		{"auth.keys[0].scopes is empty", func(c *c) { c.Auth.Keys[0].Scopes = nil }},
		{"auth.keys[0].name is \"webhook\", which is kept", func(c *c) { c.Auth.Keys[0].Name = "webhook" }},
		{"auth.keys[0].name is \"user:x\", which is kept", func(c *c) { c.Auth.Keys[0].Name = "user:x" }},
		{"auth.webhookSecrets has at place 2 no whsec_", func(c *c) { c.Auth.WebhookSecrets = append(c.Auth.WebhookSecrets, "whsec_aHVzaA==") }},
		{"auth.jwt has more than one key", func(c *c) { c.Auth.JWT.RS256PublicKeyFile = "key.pem" }},
		{"auth.jwt.hs256Secret is shorter than 32", func(c *c) { c.Auth.JWT.HS256Secret = "hush-hush-hush" }},
		{"auth.jwt.hs256Secret is a PEM file", func(c *c) { c.Auth.JWT.HS256Secret = "-----BEGIN PUBLIC KEY-----\nhush hush hush" }},
		{"auth.jwt.ownerClaim is \"openid\"", func(c *c) { c.Auth.JWT.OwnerClaim = "openid" }},
		{"auth.jwt.leeway is 1h0m0s", func(c *c) { c.Auth.JWT.Leeway = time.Hour }},
		{"auth.referers.appids has \"wx1\"", func(c *c) { c.Auth.Referers.AppIDs = []string{"wx1"} }},
		{"auth.referers.appids is set, but no token", func(c *c) { c.Auth.JWT.HS256Secret = "" }},
		{"auth.callbackSecret is shorter than 16", func(c *c) { c.Auth.CallbackSecret = "hush" }},
		{"events.pathPattern has {size}", func(c *c) { c.Events.PathPattern = "{order}/{size}" }},
		{"events.pathPattern finds orders, but", func(c *c) { c.Events.PathPattern = "{order}/{name}"; c.Orders.URL = "" }},
		{"pools.checks.concurrency is 0", func(c *c) { c.Pools.Checks.Concurrency = 0 }},
		{"retry.grace is -1s", func(c *c) { c.Retry.Grace = -time.Second }},
		{"sweep.every is 0s", func(c *c) { c.Sweep.Every = 0 }},
		{"reconcile.every is 1s", func(c *c) { c.Reconcile.Every = time.Second }},
		{"reconcile.since is -1s", func(c *c) { c.Reconcile.Since = -time.Second }},
		{"log.format is \"xml\"", func(c *c) { c.Log.Format = "xml" }},
	} {
		t.Run(tt.want, func(t *testing.T) {
			t.Parallel()
			cfg := full()
			tt.change(cfg)
			err := cfg.Validate()
			var e *config.Error
			require.ErrorAs(t, err, &e)
			require.Len(t, e.Findings, 1)
			require.Contains(t, err.Error(), tt.want)
			require.NotEmpty(t, e.Findings[0].Fix)
			require.NotContains(t, err.Error(), "hush")
		})
	}
}

func TestRequire(t *testing.T) {
	t.Parallel()
	err := config.Default().RequireServe()
	require.EqualError(t, err, `redis.url is not set: set AFTERPUT_REDIS_URL=redis://host:6379/0 or redis.url in afterput.yaml; for a try without Redis run "afterput dev"
buckets is empty: add a bucket with name and region in afterput.yaml, or set AFTERPUT_BUCKETS_0_NAME and AFTERPUT_BUCKETS_0_REGION
auth.keys is empty: add a key with name, secret and scopes in afterput.yaml, or set AFTERPUT_AUTH_KEYS_0_NAME, AFTERPUT_AUTH_KEYS_0_SECRET and AFTERPUT_AUTH_KEYS_0_SCOPES=announce,read`)

	require.NoError(t, full().RequireServe())
	require.NoError(t, full().RequireWorker())
	c := full()
	c.Buckets[0].SecretID = ""
	require.EqualError(t, c.RequireWorker(),
		"buckets[0].secretId is not set: set AFTERPUT_BUCKETS_0_SECRET_ID and AFTERPUT_BUCKETS_0_SECRET_KEY to a key pair that may read and write a-1")
}
