package wire

import (
	"errors"
	"fmt"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline/hooks"
)

// endpoints gives the receivers of webhooks.
func (a *App) endpoints() []hooks.Options {
	var out []hooks.Options
	all, most := a.Config.Hooks.All(), 0
	if len(all) > 1 {
		// One that hangs leaves half of the pool to the others.
		most = max(1, a.Config.Pools.Hooks.Concurrency/2)
	}
	for _, e := range all {
		secrets := make([]string, 0, len(e.Secrets))
		for _, s := range e.Secrets {
			secrets = append(secrets, s.Reveal())
		}
		out = append(out, hooks.Options{
			Name: e.Name, Book: a.Ledger, URL: e.URL.Reveal(), Secrets: secrets,
			Timeout: e.Timeout, AllowPrivate: a.Config.Hooks.AllowPrivate,
			MaxInFlight: most, Observe: a.Metrics.Delivery, Logger: a.Log,
		})
	}
	return out
}

// subscribers tells which endpoints want an event, for the ledger.
func subscribers(h config.Hooks) func(event string) []string {
	all := h.All()
	return func(event string) (scopes []string) {
		for _, e := range all {
			if e.Wants(event) {
				scopes = append(scopes, hooks.ScopeOf(e.Name))
			}
		}
		return scopes
	}
}

// ErrNoEndpoint says that the configuration has no endpoint of a name.
var ErrNoEndpoint = errors.New("there is no endpoint")

// Hook makes the sender of one endpoint by name. It closes with the App.
func (a *App) Hook(name string) (*hooks.Sender, error) {
	for _, opt := range a.endpoints() {
		if opt.Name != name {
			continue
		}
		s, err := hooks.New(opt)
		if err != nil {
			return nil, fmt.Errorf("hooks: %w", err)
		}
		a.closers = append(a.closers, s.Close)
		return s, nil
	}
	return nil, fmt.Errorf("%w %q", ErrNoEndpoint, name)
}
