package config

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline/hooks"
)

// HookEndpoint is one receiver of webhooks.
type HookEndpoint struct {
	// Name is 1 to 32 of a-z 0-9 _ -. It stands in the ledger: keep it.
	Name string `yaml:"name"`
	// URL receives outcomes by POST.
	URL URL `yaml:"url"`
	// Events are those that it wants. Empty: every outcome, which is all but order.updated.
	Events []string `yaml:"events"`
	// Secrets sign the body, as in Hooks.
	Secrets []Secret `yaml:"secrets"`
	// Timeout is for one delivery. Defaults to that of Hooks.
	Timeout time.Duration `yaml:"timeout"`
}

// DefaultHook is the name of the endpoint of hooks.url.
const DefaultHook = "default"

// orderUpdated is the event that no endpoint gets unless it names it.
const orderUpdated = "order.updated"

// HookEvents lists the events that an endpoint can want.
func HookEvents() []string {
	return []string{"upload.done", "upload.rejected", "upload.dead", "upload.discarded", "upload.gone", orderUpdated}
}

// All gives every endpoint with its defaults, that of hooks.url first.
func (h Hooks) All() []HookEndpoint {
	var all []HookEndpoint
	if h.URL != "" {
		all = append(all, HookEndpoint{Name: DefaultHook, URL: h.URL, Events: h.Events, Secrets: h.Secrets})
	}
	all = append(all, h.Endpoints...)
	for i := range all {
		if all[i].Timeout == 0 {
			all[i].Timeout = h.Timeout
		}
	}
	return all
}

// Wants tells whether the endpoint wants an event.
func (e HookEndpoint) Wants(event string) bool {
	return len(e.Events) == 0 && event != orderUpdated || slices.Contains(e.Events, event)
}

// The length of a webhook secret in bytes, by Standard Webhooks.
const (
	minHookSecret = 24
	maxHookSecret = 64
)

const hookKeyFix = "write whsec_ and the base64 of 24 to 64 random bytes, such as from: openssl rand -base64 32"

func (v *validator) hooks() {
	h := v.cfg.Hooks
	if h.URL != "" {
		v.hookURL("hooks.url", h.URL)
		if len(h.Secrets) == 0 {
			v.add("hooks.secrets", `set AFTERPUT_HOOKS_SECRETS=whsec_... (whsec_ and the base64 of 24 to 64 random bytes)`, "is empty while hooks.url is set")
		}
	}
	v.hookTimeout("hooks.timeout", h.Timeout)
	v.hookEvents("hooks.events", h.Events)
	v.hookSecrets("hooks.secrets", h.Secrets)
	named := regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)
	seen := map[string]bool{DefaultHook: h.URL != ""}
	for i, e := range h.Endpoints {
		at := index("hooks.endpoints", i)
		switch {
		case !named.MatchString(e.Name):
			v.add(at+".name", "write 1 to 32 of a-z 0-9 _ -", "is %q", e.Name)
		case seen[e.Name]:
			v.add(at+".name", "give each endpoint its own name; that of hooks.url is "+DefaultHook, "is %q a second time", e.Name)
		}
		seen[e.Name] = true
		if e.URL == "" {
			v.add(at+".url", "write https://host/path", "is not set")
		} else {
			v.hookURL(at+".url", e.URL)
		}
		v.hookEvents(at+".events", e.Events)
		if len(e.Secrets) == 0 {
			v.add(at+".secrets", hookKeyFix, "is empty")
		}
		v.hookSecrets(at+".secrets", e.Secrets)
		if e.Timeout < 0 || (e.Timeout > 0 && e.Timeout < time.Millisecond) {
			v.add(at+".timeout", "write a time such as 15s, or leave it out", "is %s", e.Timeout)
		}
		v.hookTimeout(at+".timeout", e.Timeout)
	}
}

func (v *validator) hookEvents(key string, events []string) {
	for _, event := range events {
		if !slices.Contains(HookEvents(), event) {
			v.add(key, "write some of "+strings.Join(HookEvents(), ", ")+"; none means all but "+orderUpdated, "has %q", event)
		}
	}
}

// hookTimeout refuses a time that no delivery can get.
func (v *validator) hookTimeout(key string, d time.Duration) {
	if most := v.cfg.Timeouts.Notify; d > most {
		v.add(key, "write a shorter time, or a longer one for timeouts.notify", "is %s, and timeouts.notify ends every attempt after %s", d, most)
	}
}

func (v *validator) hookURL(key string, u URL) {
	schemes := []string{"https"}
	if v.cfg.Hooks.AllowPrivate {
		schemes = append(schemes, "http")
	}
	v.address(key, u.Reveal(), "https://host/path (plain http only with hooks.allowPrivate)", schemes...)
	parsed, err := url.Parse(u.Reveal())
	if err != nil {
		return // told by now
	}
	if err := hooks.CheckURL(parsed, v.cfg.Hooks.AllowPrivate); err != nil {
		v.add(key, "write a public host, with port 443 or one from 1024 on, or set hooks.allowPrivate: true for one on your intranet", "%s", err)
	}
}

func (v *validator) hookSecrets(key string, secrets []Secret) {
	for i, s := range secrets {
		text, ok := strings.CutPrefix(s.Reveal(), "whsec_")
		raw, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil || len(raw) < minHookSecret || len(raw) > maxHookSecret {
			v.add(key, hookKeyFix, "has a secret (number %d) that is none by Standard Webhooks", i+1)
		}
	}
}
