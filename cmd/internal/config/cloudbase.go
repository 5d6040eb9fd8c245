package config

import "strings"

// CloudBase is the gateway of CloudBase, for the URLs of files in buckets that have an
// env. Without a key those come from COS, like all others.
type CloudBase struct {
	// Endpoint is scheme and host of the gateway; {env} stands for the environment.
	// Defaults to https://{env}.api.tcloudbasegateway.com.
	Endpoint string `yaml:"endpoint"`
	// APIKey is a key of the environment. Empty: SecretID and SecretKey are used.
	APIKey Secret `yaml:"apiKey"`
	// SecretID and SecretKey are a key pair of CAM; both or none.
	SecretID  string `yaml:"secretId"`
	SecretKey Secret `yaml:"secretKey"`
}

// Enabled tells whether the gateway is asked.
func (c CloudBase) Enabled() bool { return c.APIKey != "" || c.SecretID != "" }

func (v *validator) cloudbase() {
	c := v.cfg.CloudBase
	v.address("cloudbase.endpoint", strings.ReplaceAll(c.Endpoint, "{env}", "env"), "https://{env}.api.tcloudbasegateway.com", "https", "http")
	if (c.SecretID == "") != (c.SecretKey == "") {
		v.add("cloudbase.secretKey", "set secretId and secretKey, or none of them", "and secretId go together, and only one is set")
	}
}
