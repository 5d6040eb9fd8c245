package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Entry is one key with its value as it may be shown.
type Entry struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
	// Env is the environment variable of the key.
	Env string `json:"env"`
}

// Entries lists every key in the order of the schema, secrets redacted.
func (c *Config) Entries() []Entry {
	c = c.Inherited()
	list := leaves(reflectOf(c))
	entries := make([]Entry, len(list))
	for i, l := range list {
		entries[i] = Entry{
			Key: l.key, Value: show(l.value, false), Origin: c.Origin(l.key).String(), Env: EnvName(l.key),
		}
	}
	return entries
}

// Render prints the configuration as YAML with every secret redacted; with origin, each
// line ends with where its value came from.
func Render(c *Config, origin bool) string {
	r := &renderer{cfg: c.Inherited(), origin: origin}
	r.section(reflectOf(r.cfg), "", 0)
	return r.out.String()
}

// Encode prints the configuration as YAML that Load reads back, secrets included, and
// without what is inherited. Keep the result in a file that only its owner can read.
func Encode(c *Config) string {
	r := &renderer{cfg: c.Inherited(), reveal: true}
	r.section(reflectOf(r.cfg), "", 0)
	return r.out.String()
}

type renderer struct {
	cfg    *Config
	origin bool
	reveal bool
	out    strings.Builder
}

func (r *renderer) section(section reflect.Value, path string, depth int) {
	for _, c := range children(section) {
		key := join(path, c.name)
		indent := strings.Repeat("  ", depth)
		switch {
		case r.reveal && r.cfg.Origin(key).Source == Inherited:
		case isSection(c.value.Type()):
			r.out.WriteString(indent + c.name + ":\n")
			r.section(c.value, key, depth+1)
		case isSectionList(c.value.Type()) && c.value.Len() > 0:
			r.out.WriteString(indent + c.name + ":\n")
			for i := range c.value.Len() {
				r.out.WriteString(indent + "  -\n")
				r.section(c.value.Index(i), index(key, i), depth+2)
			}
		default:
			line := indent + c.name + ": " + show(c.value, r.reveal)
			if r.origin {
				line += " # " + strings.NewReplacer("\n", " ", "\r", " ").Replace(r.cfg.Origin(key).String())
			}
			r.out.WriteString(line + "\n")
		}
	}
}

// show prints a value as YAML.
func show(v reflect.Value, reveal bool) string {
	if v.Kind() == reflect.Slice {
		items := make([]string, v.Len())
		for i := range items {
			items[i] = show(v.Index(i), reveal)
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	switch t := v.Interface().(type) {
	case Secret:
		return quote(pick(reveal, t.Reveal(), t.String()), reveal)
	case URL:
		return quote(pick(reveal, t.Reveal(), t.String()), reveal)
	case time.Duration:
		return duration(t)
	case string:
		return quote(t, reveal)
	default:
		return fmt.Sprint(t)
	}
}

func pick(reveal bool, shown, hidden string) string {
	if reveal {
		return shown
	}
	return hidden
}

// quote quotes what YAML could take for something else. Where the text will be read
// back, ${ is kept from being taken for a reference.
func quote(s string, reveal bool) string {
	if reveal {
		s = strings.ReplaceAll(s, "${", "$${")
	}
	for _, r := range s {
		ok := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_./+=-", r)
		if !ok {
			return quoteYAML(s)
		}
	}
	if s == "" || strings.ContainsRune("-=.+/", rune(s[0])) || s == "true" || s == "false" || s == "null" {
		return strconv.Quote(s)
	}
	return s
}

// quoteYAML quotes by JSON-like rules: \x and \u are what YAML and Go have in common.
func quoteYAML(s string) string { return strconv.QuoteToASCII(s) }

// duration prints 24h rather than 24h0m0s.
func duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
