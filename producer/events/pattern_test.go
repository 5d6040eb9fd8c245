package events_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/producer/events"
)

func TestPattern(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, key, owner, order string
		position                   int // -1: none
		ok                         bool
	}{
		{"users/{owner}/orders/{order}/{name}", "users/oX/orders/A12/1.jpg", "oX", "A12", -1, true},
		{"users/{owner}/orders/{order}/{name}", "users/oX/orders/A12/a/b/1.jpg", "oX", "A12", -1, true},
		{"users/{owner}/orders/{order}/{name}", "users/oX/orders/A12/", "", "", -1, false},
		{"users/{owner}/orders/{order}/{name}", "users/oX/A12/1.jpg", "", "", -1, false},
		{"users/{owner}/orders/{order}/{name}", "x/users/oX/orders/A12/1.jpg", "", "", -1, false},
		{"users/{owner}/orders/{order}/{name}", "users//orders/A12/1.jpg", "", "", -1, false},
		{"users/{owner}/{order}/{position}-{name}", "users/oX/A12/03-图 1.jpg", "oX", "A12", 3, true},
		{"users/{owner}/{order}/{position}-{name}", "users/oX/A12/x-1.jpg", "", "", -1, false},
		{"{order}_{position}.jpg", "A_12_7.jpg", "", "A_12", 7, true},
		{"{order}_{position}.jpg", "A12_7xjpg", "", "", -1, false},
		{"{owner}/{order}.jpg", "oX/" + strings.Repeat("a", 300) + ".jpg", "", "", -1, false},
		{"{order}/{name}/x", "A/b/c/x", "", "", -1, false},
	} {
		p, err := events.ParsePattern(tt.pattern)
		require.NoError(t, err, tt.pattern)
		owner, order, position, ok := p.Match(tt.key)
		require.Equal(t, []any{tt.owner, tt.order, tt.ok}, []any{owner, order, ok}, "%s of %s", tt.key, tt.pattern)
		if tt.position < 0 {
			require.Nil(t, position)
		} else {
			require.Equal(t, tt.position, *position)
		}
	}
}

func TestPatternRefuses(t *testing.T) {
	t.Parallel()
	for pattern, why := range map[string]string{
		"":                           "none of",
		"users/x.jpg":                "none of",
		"{name}":                     "none of",
		"{order}/{size}":             "{size}",
		"{order}/{order}":            "twice",
		"{order}{name}":              "side by side",
		"{order/{name}":              "belongs to no placeholder",
		"{order}/}":                  "belongs to no placeholder",
		"{}/{order}":                 "has {}",
		"/{order}/{name}":            "begins with /",
		"users//{order}/{name}":      "//",
		"{order}/{ name}":            "{ name}",
		strings.Repeat("{order}", 2): "twice",
	} {
		_, err := events.ParsePattern(pattern)
		require.ErrorContains(t, err, why, pattern)
	}
}

func FuzzPattern(f *testing.F) {
	f.Add("users/{owner}/orders/{order}/{position}-{name}", "users/oX/orders/A12/3-1.jpg")
	f.Add("{order}.(a|b)*", "A.(a|b)*")
	f.Fuzz(func(t *testing.T, pattern, key string) {
		p, err := events.ParsePattern(pattern)
		if err != nil {
			return
		}
		owner, order, position, ok := p.Match(key)
		if ok {
			require.Equal(t, p.Has("owner"), owner != "")
			require.Equal(t, p.Has("order"), order != "")
			require.Equal(t, p.Has("position"), position != nil)
		}
	})
}
