package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
)

func TestCredentials(t *testing.T) {
	t.Parallel()
	path := write(t, "afterput.yaml", `
redis: {url: "redis://h:6379/0"}
buckets:
  - name: a-1
    region: r
    credentials: {command: [cos-keys, role], env: [ROLE], margin: 1m}
  - {name: b-1, region: r, secretId: id, secretKey: key, sessionToken: t, expiration: 2026-11-21T18:00:00Z}
`)
	cfg, err := config.Load(config.Options{Path: path})
	require.NoError(t, err)
	require.Equal(t, config.Credentials{Command: []string{"cos-keys", "role"}, Env: []string{"ROLE"}, Timeout: 10 * time.Second, Margin: time.Minute}, cfg.Buckets[0].Credentials)
	require.True(t, cfg.Buckets[0].ExpiresAt().IsZero())
	require.Equal(t, time.Date(2026, 11, 21, 18, 0, 0, 0, time.UTC), cfg.Buckets[1].ExpiresAt())
	require.NoError(t, cfg.RequireWorker(), "a program is as good as a key pair")

	require.Equal(t, []string{
		`afterput.yaml:6: buckets[0].credentials.command is set, and so are secretId, sessionToken or expiration: keep one of them`,
		`afterput.yaml:6: buckets[0].credentials.env has a name that no variable has: write names of variables, not values`,
		`afterput.yaml:6: buckets[0].credentials.timeout is 2m0s: write at most 1m`,
		`afterput.yaml:7: buckets[1].credentials.command gives temporary keys, which cannot ask for others, and sign.sts.enabled is true: set sign.secretId and sign.secretKey to a permanent key pair`,
		`afterput.yaml:7: buckets[1].credentials.command has an argument with a secret, which every user of the machine can see: hand secrets over in a file, or in a variable that credentials.env names`,
		`afterput.yaml:8: buckets[2].expiration is "soon", which is no time: write it as 2026-11-21T18:00:00Z`,
		`afterput.yaml:8: buckets[2].credentials.env is set without a command: set credentials.command too, or remove it`,
	}, findings(t, config.Options{Path: write(t, "afterput.yaml", `sign: {sts: {enabled: true}}
buckets:
  - name: a-1
    region: r
    secretId: id
    credentials: {command: [x], env: ["A=b"], timeout: 2m}
  - {name: b-1, region: r, credentials: {command: [keys, "--secret-key=hush"]}}
  - {name: c-1, region: r, expiration: soon, credentials: {env: [A]}}
`)})[1:])
}
