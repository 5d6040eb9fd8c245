package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline/sqldb"
)

// Validate checks the shape of every value and gives an *Error with all findings. Load
// calls it; others need it only after they changed a Config.
func (c *Config) Validate() error {
	f := &findings{list: c.check()}
	return f.err()
}

func (c *Config) check() []Finding {
	c = c.Inherited()
	v := &validator{cfg: c}
	v.enums()
	v.redis()
	v.stores()
	v.buckets()
	v.policy()
	v.thumbnails()
	v.hooks()
	v.doors()
	v.events()
	v.sign()
	v.numbers()
	v.reconcile()
	v.cloudbase()
	if ttl := c.TempURL.PrivateTTL; ttl > 24*time.Hour {
		v.add("tempurl.privateTTL", "write at most 24h", "is %s", ttl)
	}
	return v.found.list
}

type validator struct {
	cfg   *Config
	found findings
}

// add reports a key, pointing at where its value, or else its section, was set. What is
// inherited is reported where it comes from.
func (v *validator) add(key, fix, format string, args ...any) {
	if v.cfg.inherits(key) {
		return
	}
	where := v.cfg.where(key)
	if i := strings.LastIndex(key, "."); where == "" && i > 0 {
		where = v.cfg.where(key[:i])
	}
	v.found.add(where, key, fmt.Sprintf(format, args...), fix)
}

// enums checks every key that has an enum tag.
func (v *validator) enums() {
	for _, l := range leaves(reflectOf(v.cfg)) {
		allowed := strings.Split(l.enum, ",")
		if l.enum != "" && !slices.Contains(allowed, l.value.String()) {
			v.add(l.key, "write one of "+strings.Join(allowed, ", "), "is %q", l.value.String())
		}
	}
}

// stores checks ledger and orders.
func (v *validator) stores() {
	c := v.cfg
	v.database("ledger.url", c.Ledger.URL.Reveal())
	v.orders()
}

// database checks the URL of a database of any engine.
func (v *validator) database(key, url string) {
	if scheme, _, _ := strings.Cut(url, "://"); url == "" || scheme == string(sqldb.SQLite) {
		v.sqlite(key, url, true)
		return
	}
	if err := sqldb.Check(url); err != nil {
		v.add(key, "write sqlite:///path/file.db, postgres://user:password@host/database or mysql://user:password@host/database", "cannot be used: %v", err)
	}
}

func (v *validator) sqlite(key, url string, required bool) {
	const fix = "write sqlite://relative.db or sqlite:///absolute/path.db"
	switch path, ok := strings.CutPrefix(url, "sqlite://"); {
	case url == "" && !required:
	case url == "":
		v.add(key, fix, "is empty")
	case !ok:
		v.add(key, fix, "is not a sqlite:// address")
	case path == "" || strings.HasPrefix(path, "?") || strings.HasSuffix(path, "/"):
		v.add(key, fix, "names no file")
	}
}

// numbers checks pools, retry, timeouts and the other plain limits.
func (v *validator) numbers() {
	c := v.cfg
	for _, n := range []struct {
		key        string
		value, min int64
	}{
		{"pools.checks.concurrency", int64(c.Pools.Checks.Concurrency), 1},
		{"pools.thumbnails.concurrency", int64(c.Pools.Thumbnails.Concurrency), 0},
		{"pools.orders.concurrency", int64(c.Pools.Orders.Concurrency), 1},
		{"pools.urls.concurrency", int64(c.Pools.URLs.Concurrency), 1},
		{"pools.hooks.concurrency", int64(c.Pools.Hooks.Concurrency), 1},
		{"retry.transient", int64(c.Retry.Transient), 1},
		{"retry.missing", int64(c.Retry.Missing), 1},
		{"retry.conflict", int64(c.Retry.Conflict), 1},
	} {
		v.atLeast(n.key, n.value, n.min)
	}
	for _, d := range []struct {
		key        string
		value, min time.Duration
	}{
		{"tempurl.publicTTL", c.TempURL.PublicTTL, time.Minute},
		{"tempurl.privateTTL", c.TempURL.PrivateTTL, time.Second},
		{"tempurl.missTTL", c.TempURL.MissTTL, time.Millisecond},
		{"hooks.timeout", c.Hooks.Timeout, time.Millisecond},
		{"retry.throttledFor", c.Retry.ThrottledFor, time.Second},
		{"retry.waitingFor", c.Retry.WaitingFor, time.Millisecond},
		{"retry.grace", c.Retry.Grace, 0},
		{"retry.gather", c.Retry.Gather, 0},
		{"timeouts.check", c.Timeouts.Check, time.Second},
		{"timeouts.thumbnail", c.Timeouts.Thumbnail, time.Second},
		{"timeouts.attach", c.Timeouts.Attach, time.Second},
		{"timeouts.warm", c.Timeouts.Warm, time.Second},
		{"timeouts.notify", c.Timeouts.Notify, time.Second},
		{"sweep.every", c.Sweep.Every, 10 * time.Millisecond},
		{"reconcile.since", c.Reconcile.Since, 0},
	} {
		if d.value < d.min {
			v.add(d.key, fmt.Sprintf("write at least %s", d.min), "is %s", d.value)
		}
	}
	if c.Retry.Gather >= c.Timeouts.Attach {
		v.add("retry.gather", "write less than timeouts.attach", "is %s, and an attach ends after %s", c.Retry.Gather, c.Timeouts.Attach)
	}
}

func (v *validator) reconcile() {
	if every := v.cfg.Reconcile.Every; every != 0 && every < time.Minute {
		v.add("reconcile.every", "write at least 1m, or 0s for never", "is %s", every)
	}
}

func (v *validator) atLeast(key string, value, least int64) {
	if value < least {
		v.add(key, fmt.Sprintf("write at least %d", least), "is %d", value)
	}
}
