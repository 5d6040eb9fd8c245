package events

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Pattern reads owner, order and position from the names of objects.
type Pattern struct {
	re    *regexp.Regexp
	names []string
}

// placeholders are what a pattern may name, with what each matches.
var placeholders = map[string]string{
	"owner": `([^/]+?)`, "order": `([^/]+?)`, "position": `([0-9]{1,4})`, "name": `([^/]+?)`,
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// ParsePattern reads a pattern such as users/{owner}/orders/{order}/{position}-{name}.
// {owner}, {order}, {position} (digits) and {name} match within one folder, except that
// a {name} at the end matches the rest. Each stands at most once, two of them never side
// by side, and at least one of the first three is there. Errors say what to change.
func ParsePattern(s string) (*Pattern, error) {
	p := &Pattern{}
	var re strings.Builder
	re.WriteString(`\A`)
	rest, last := s, -1
	for rest != "" {
		at := placeholder.FindStringIndex(rest)
		literal := rest
		if at != nil {
			literal = rest[:at[0]]
		}
		if strings.ContainsAny(literal, "{}") {
			return nil, errors.New("has a { or } that belongs to no placeholder")
		}
		re.WriteString(regexp.QuoteMeta(literal))
		if at == nil {
			break
		}
		name := rest[at[0]+1 : at[1]-1]
		match, known := placeholders[name]
		switch {
		case !known:
			return nil, fmt.Errorf("has {%s}: use {owner}, {order}, {position} and {name}", name)
		case slices.Contains(p.names, name):
			return nil, fmt.Errorf("has {%s} twice", name)
		case last >= 0 && literal == "":
			return nil, errors.New("has two placeholders side by side: nobody knows where one ends")
		}
		rest = rest[at[1]:]
		if name == "name" && rest == "" {
			match = `(.+)`
		}
		p.names, last = append(p.names, name), at[1]
		re.WriteString(match)
	}
	re.WriteString(`\z`)
	switch {
	case strings.HasPrefix(s, "/") || strings.Contains(s, "//"):
		return nil, errors.New("begins with / or has //: no object is named so")
	case !p.Has("owner") && !p.Has("order") && !p.Has("position"):
		return nil, errors.New("names none of {owner}, {order} and {position}")
	}
	var err error
	p.re, err = regexp.Compile(re.String())
	return p, err
}

// Has tells whether the pattern has a placeholder, such as order.
func (p *Pattern) Has(name string) bool { return slices.Contains(p.names, name) }

// Match reads a name. ok is false where it is not of the pattern, or a part of it is
// longer than an owner or an order can be.
func (p *Pattern) Match(key string) (owner, order string, position *int, ok bool) {
	m := p.re.FindStringSubmatch(key)
	if m == nil {
		return "", "", nil, false
	}
	for i, name := range p.names {
		switch text := m[i+1]; name {
		case "owner":
			owner = text
		case "order":
			order = text
		case "position":
			if n, ok := parsePosition(text); ok {
				position = &n
			}
		}
	}
	if len(owner) > maxOwner || len(order) > maxOrder {
		return "", "", nil, false
	}
	return owner, order, position, true
}
