package auth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/producer/auth"
)

// clock stands until it is moved.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// limited is a gate with limits and what asks it.
type limited struct {
	t    *testing.T
	gate *auth.Gate
}

func newLimited(t *testing.T, opt auth.LimitOptions) limited {
	t.Helper()
	return limited{t, auth.NewGate(auth.Options{Keys: newKeys(t), Users: newTokens(t), Limits: auth.NewLimits(opt)})}
}

// ask sends a request and gives the status and, of a 429, the seconds to wait.
func (l limited) ask(from, authorization string) (status, wait int) {
	l.t.Helper()
	r := request(http.MethodGet)
	r.RemoteAddr = from
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	l.gate.RequireOwn(auth.ScopeRead, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
	if w.Code == http.StatusTooManyRequests {
		var body map[string]string
		require.NoError(l.t, json.Unmarshal(w.Body.Bytes(), &body))
		require.Equal(l.t, auth.CodeTooMany, body["code"])
		require.NotEmpty(l.t, body["requestId"])
		var err error
		wait, err = strconv.Atoi(w.Header().Get("Retry-After"))
		require.NoError(l.t, err)
		require.Positive(l.t, wait)
	} else {
		require.Empty(l.t, w.Header().Get("Retry-After"))
	}
	return w.Code, wait
}

func TestLimits(t *testing.T) {
	t.Parallel()
	c := &clock{time.Unix(1_800_000_000, 0)}
	l := newLimited(t, auth.LimitOptions{PerKey: 2, PerOwner: 1, PerAddress: 3, Now: c.now})
	user := func(owner string) string {
		return "Bearer " + sign(t, jwt.SigningMethodHS256, []byte(hs256), claims(func(c jwt.MapClaims) { c["customUserId"] = owner }))
	}
	const here, there = "192.0.2.1:1000", "192.0.2.2:1000"
	for _, tt := range []struct {
		name, authorization string
		burst, good         int
	}{
		{"key", "Bearer " + shop, 20, 200},
		{"owner", user("oX"), 10, 200},
		{"stranger", "Bearer wrong-0123456789abcdef", 30, 401},
	} {
		for i := range tt.burst {
			status, _ := l.ask(here, tt.authorization)
			require.Equal(t, tt.good, status, "%s %d", tt.name, i)
		}
		for range 5 { // what is refused costs nothing
			status, wait := l.ask(here, tt.authorization)
			require.Equal(t, 429, status, tt.name)
			require.Equal(t, 1, wait, tt.name)
		}
	}
	// Others are not held up, nor those that are known at an address that is.
	for authorization, want := range map[string]int{user("oY"): 200, "Bearer " + root: 200, "": 429, "Bearer " + watcher: 403} {
		status, _ := l.ask(here, authorization)
		require.Equal(t, want, status, authorization)
	}
	status, _ := l.ask(there, "")
	require.Equal(t, 401, status)
	status, _ = l.ask(here[:len(here)-4]+"2000", "")
	require.Equal(t, 429, status, "another port is the same address")

	c.at = c.at.Add(time.Second)
	for _, want := range []int{200, 200, 429} {
		status, _ := l.ask(here, "Bearer "+shop)
		require.Equal(t, want, status, "two in a second")
	}
}

func TestLimitsIPv6(t *testing.T) {
	t.Parallel()
	c := &clock{time.Unix(1_800_000_000, 0)}
	l := newLimited(t, auth.LimitOptions{PerAddress: 1, Now: c.now})
	for i := range 10 {
		status, _ := l.ask(fmt.Sprintf("[2001:db8:0:1::%x]:80", i+1), "")
		require.Equal(t, 401, status)
	}
	for from, want := range map[string]int{"[2001:db8:0:1::ffff]:80": 429, "[2001:db8:0:2::1]:80": 401, "[::ffff:192.0.2.9]:80": 401, "pipe": 401} {
		status, _ := l.ask(from, "")
		require.Equal(t, want, status, from)
	}
}

func TestLimitsOff(t *testing.T) {
	t.Parallel()
	l := newLimited(t, auth.LimitOptions{})
	for range 1000 {
		status, _ := l.ask("192.0.2.1:1", "Bearer "+shop)
		require.Equal(t, 200, status)
	}
}

// TestLimitsForget: any number of addresses takes bounded memory, and who is busy is
// remembered longer than who is quiet.
func TestLimitsForget(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	l := newLimited(t, auth.LimitOptions{PerAddress: 1, Callers: 100, Now: c.now})
	for range 10 {
		l.ask("192.0.2.1:1", "")
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var before uint64
	for i := range 20_000 {
		l.ask(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255), "")
		if i%50 == 0 {
			status, _ := l.ask("192.0.2.1:1", "")
			require.Equal(t, 429, status, "the busy one is still known")
		}
		if i == 1000 {
			before = heap()
		}
	}
	if after := heap(); after > before {
		require.Less(t, after-before, uint64(1<<20))
	}
	runtime.KeepAlive(l.gate)
}
