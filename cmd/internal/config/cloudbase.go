package config

import (
	"slices"
	"strings"
)

// CloudBase is the gateway of CloudBase, for buckets that have an env: it gives the URLs of
// files, and the permissions for thumbnails to be put. Without a key both come from COS,
// and CloudBase's own clients get no URL of a thumbnail.
type CloudBase struct {
	// Endpoint is scheme and host of the gateway; {env} stands for the environment.
	// Defaults to https://{env}.api.tcloudbasegateway.com.
	Endpoint string `yaml:"endpoint"`
	// ControlEndpoint is scheme and host of the control plane, which tells the permission
	// of a bucket with visibility rule. Defaults to https://tcb.tencentcloudapi.com.
	ControlEndpoint string `yaml:"controlEndpoint"`
	// APIKey is a key of the environment. Empty: SecretID and SecretKey are used.
	APIKey Secret `yaml:"apiKey"`
	// SecretID and SecretKey are a key pair of CAM; both or none.
	SecretID  string `yaml:"secretId"`
	SecretKey Secret `yaml:"secretKey"`
}

// Enabled tells whether the gateway is asked.
func (c CloudBase) Enabled() bool { return c.APIKey != "" || c.SecretID != "" }

// CloudBaseOf gives the gateway and the key for an environment: those of its bucket, else
// those for all.
func (c *Config) CloudBaseOf(env string) CloudBase {
	for _, b := range c.Buckets {
		if b.Env == env && b.CloudBase.Enabled() {
			return b.CloudBase
		}
	}
	return c.CloudBase
}

func (v *validator) cloudbase() {
	v.gateway("cloudbase", v.cfg.CloudBase)
	aliases := make(map[string]int)
	for i, b := range v.cfg.Buckets {
		at := index("buckets", i)
		v.gateway(at+".cloudbase", b.CloudBase)
		if b.Visibility == "rule" && (b.Env == "" || b.CloudBase.SecretID == "") {
			v.add(at+".visibility", "set env and cloudbase.secretId, or write probe", "is rule, which takes an env and a key pair of CloudBase")
		}
		for _, alias := range b.Aliases {
			if j, taken := aliases[alias]; taken && v.cfg.Buckets[j].Name != b.Name {
				v.add(at+".aliases", "let each environment mean one bucket", "has %q, which is an alias of buckets[%d]", alias, j)
			}
			if j := slices.IndexFunc(v.cfg.Buckets, func(o Bucket) bool { return o.Env == alias && o.Name != b.Name }); j >= 0 {
				v.add(at+".aliases", "let each environment mean one bucket", "has %q, which is the env of buckets[%d]", alias, j)
			}
			aliases[alias] = i
		}
	}
}

func (v *validator) gateway(at string, c CloudBase) {
	v.address(at+".endpoint", strings.ReplaceAll(c.Endpoint, "{env}", "env"), "https://{env}.api.tcloudbasegateway.com", "https", "http")
	v.address(at+".controlEndpoint", c.ControlEndpoint, "https://tcb.tencentcloudapi.com", "https", "http")
	v.pair(at, c.SecretID, c.SecretKey)
}
