package config

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
)

// redacted is what stands in the place of a secret.
const redacted = "[redacted]"

// Secret is a string that no printer, encoder or logger shows. An empty one prints as
// nothing, so that one can see whether it is set.
type Secret string

// Reveal gives the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format hides the secret from every verb, also from those that skip String.
func (s Secret) Format(f fmt.State, verb rune) { formatHidden(f, verb, s.String()) }

// MarshalText hides the secret from JSON, YAML and XML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML hides the secret from YAML encoders that do not ask for text.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// URL is an address that may carry a password or a token. It prints with them hidden.
type URL string

// Reveal gives the address with its secrets.
func (u URL) Reveal() string { return string(u) }

// String hides the password and the values of query keys that name a secret. An
// address that cannot be read, or whose password may have spilled into its path, is
// hidden whole.
func (u URL) String() string {
	if u == "" {
		return ""
	}
	single, _ := splitHosts(string(u))
	p, err := url.Parse(single)
	scheme, rest, ok := strings.Cut(string(u), "://")
	if err != nil || !ok {
		return redacted
	}
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	host, tail := rest[:end], rest[end:]
	if strings.Contains(tail, "@") {
		return redacted
	}
	user := ""
	if i := strings.LastIndex(host, "@"); i >= 0 {
		user, host = p.User.Username(), host[i+1:]
		if _, ok := p.User.Password(); ok {
			user += ":" + redacted
		} else if strings.HasPrefix(scheme, "http") {
			user = redacted // a token in the place of a user
		}
		user += "@"
	}
	return scheme + "://" + user + host + hideQuery(tail)
}

// Format hides the secrets from every verb.
func (u URL) Format(f fmt.State, verb rune) { formatHidden(f, verb, u.String()) }

// MarshalText hides the secrets from JSON, YAML and XML.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// MarshalYAML hides the secrets from YAML encoders that do not ask for text.
func (u URL) MarshalYAML() (any, error) { return u.String(), nil }

// LogValue hides the secrets from slog.
func (u URL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// hideQuery hides the values of query keys such as key, token or password; receivers
// of webhooks often put their secret there.
func hideQuery(s string) string {
	base, query, ok := strings.Cut(s, "?")
	if !ok {
		return s
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, value, _ := strings.Cut(part, "=")
		lower := strings.ToLower(name)
		for _, word := range []string{"key", "token", "secret", "pass", "pwd", "sign", "auth"} {
			if value != "" && strings.Contains(lower, word) {
				parts[i] = name + "=" + redacted
			}
		}
	}
	return base + "?" + strings.Join(parts, "&")
}

func formatHidden(f fmt.State, verb rune, s string) {
	if verb == 'q' {
		s = strconv.Quote(s)
	}
	_, _ = io.WriteString(f, s)
}
