package config_test

import (
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
