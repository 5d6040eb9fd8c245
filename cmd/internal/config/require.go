package config

import "fmt"

// RequireServe tells what serve needs beyond a valid shape, as an *Error.
func (c *Config) RequireServe() error {
	f := &findings{}
	c.requireRedis(f)
	c.requireBuckets(f)
	if len(c.Auth.Keys) == 0 && len(c.Auth.WebhookSecrets) == 0 && !c.Auth.JWT.Enabled() {
		f.add("", "auth.keys", "is empty",
			"add a key with name, secret and scopes in "+FileName+
				", or set AFTERPUT_AUTH_KEYS_0_NAME, AFTERPUT_AUTH_KEYS_0_SECRET and AFTERPUT_AUTH_KEYS_0_SCOPES=announce,read")
	}
	return f.err()
}

// RequireWorker tells what worker needs beyond a valid shape, as an *Error.
func (c *Config) RequireWorker() error {
	f := &findings{}
	c.requireRedis(f)
	c.requireBuckets(f)
	for i, b := range c.Buckets {
		if b.SecretID == "" && len(b.Credentials.Command) == 0 {
			key := index("buckets", i) + ".secretId"
			f.add(c.where(index("buckets", i)), key, "is not set", fmt.Sprintf(
				"set %s and %s to a key pair that may read and write %s", EnvName(key),
				EnvName(index("buckets", i)+".secretKey"), b.Name))
		}
	}
	return f.err()
}

func (c *Config) requireRedis(f *findings) {
	if c.Redis.URL == "" {
		f.add("", "redis.url", "is not set", "set AFTERPUT_REDIS_URL=redis://host:6379/0 or redis.url in "+
			FileName+`; for a try without Redis run "afterput dev"`)
	}
}

func (c *Config) requireBuckets(f *findings) {
	if len(c.Buckets) == 0 {
		f.add("", "buckets", "is empty", "add a bucket with name and region in "+FileName+
			", or set AFTERPUT_BUCKETS_0_NAME and AFTERPUT_BUCKETS_0_REGION")
	}
}
