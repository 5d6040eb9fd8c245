package wire

import (
	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline/hooks"
)

// endpoints gives the receivers of webhooks.
func (a *App) endpoints() []hooks.Options {
	var out []hooks.Options
	for _, e := range a.Config.Hooks.All() {
		secrets := make([]string, 0, len(e.Secrets))
		for _, s := range e.Secrets {
			secrets = append(secrets, s.Reveal())
		}
		out = append(out, hooks.Options{
			Name: e.Name, Book: a.Ledger, URL: e.URL.Reveal(), Secrets: secrets,
			Timeout: e.Timeout, AllowPrivate: a.Config.Hooks.AllowPrivate,
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
