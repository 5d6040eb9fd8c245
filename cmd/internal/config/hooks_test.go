package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
)

const hookSecret = "whsec_aHVzaC1odXNoLWh1c2gtaHVzaC1odXNoLWh1c2g="

// endpoint adds an endpoint that is right but for change.
func endpoint(change func(*config.HookEndpoint)) func(*config.Config) {
	return func(c *config.Config) {
		e := config.HookEndpoint{Name: "crm", URL: "https://crm.example.com/", Secrets: []config.Secret{hookSecret}}
		change(&e)
		c.Hooks.Endpoints = []config.HookEndpoint{e}
	}
}

// TestHookAddresses: an endpoint that every delivery would be refused for is told before the
// first one.
func TestHookAddresses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url     string
		private bool
		says    string
	}{
		{"https://crm.example.com/hook", false, ""},
		{"https://crm.example.com:8443/hook", false, ""},
		{"https://8.8.8.8/", false, ""},
		{"https://[2606:4700::1]/", false, ""},
		{"https://crm.example.com:80/hook", false, "has port 80"},
		{"https://crm.example.com:99999/hook", false, "has port 99999"},
		{"https://10.0.0.5:8443/", false, "has the address 10.0.0.5, a private address"},
		{"https://[::1]/", false, "has the address ::1, a loopback address"},
		{"https://[::ffff:10.0.0.5]/", false, "an IPv6 form of an IPv4 address"},
		{"https://localhost:8443/", false, "has the host localhost, which is this machine"},
		{"https://169.254.169.254/", false, "a link-local address"},
		{"http://localhost/", true, ""},
		{"http://10.0.0.5:80/", true, ""},
		{"http://169.254.0.23/", true, "a link-local address"},
	} {
		c := config.Default()
		endpoint(func(e *config.HookEndpoint) { e.URL = config.URL(tt.url) })(c)
		c.Hooks.AllowPrivate = tt.private
		said := ""
		if err := c.Validate(); err != nil {
			for line := range strings.Lines(err.Error()) {
				if strings.Contains(line, "hooks.endpoints") {
					said += line
				}
			}
		}
		if tt.says == "" {
			require.Empty(t, said, tt.url)
		} else {
			require.Contains(t, said, tt.says, tt.url)
		}
	}
}

func TestHooksAll(t *testing.T) {
	t.Parallel()
	crm := config.HookEndpoint{Name: "crm", URL: "https://crm/", Secrets: []config.Secret{hookSecret}, Events: []string{"upload.done"}}
	slow := config.HookEndpoint{Name: "slow", URL: "https://slow/", Timeout: time.Minute}
	h := config.Hooks{URL: "https://shop/", Secrets: []config.Secret{hookSecret}, Timeout: 15 * time.Second, Endpoints: []config.HookEndpoint{crm, slow}}
	all := h.All()
	require.Len(t, all, 3)
	require.Equal(t, config.HookEndpoint{Name: "default", URL: "https://shop/", Secrets: h.Secrets, Timeout: 15 * time.Second}, all[0])
	require.Equal(t, 15*time.Second, all[1].Timeout)
	require.Equal(t, time.Minute, all[2].Timeout)
	require.Zero(t, h.Endpoints[0].Timeout, "the configuration is as it was")
	require.True(t, all[0].Wants("upload.gone"))
	require.False(t, all[0].Wants("order.updated"), "only who names it gets it")
	h.Events = []string{"order.updated"}
	require.True(t, h.All()[0].Wants("order.updated"))
	require.False(t, h.All()[0].Wants("upload.done"))
	require.True(t, all[1].Wants("upload.done"))
	require.False(t, all[1].Wants("upload.gone"))
	require.Empty(t, config.Hooks{}.All())
}
