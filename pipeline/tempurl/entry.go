package tempurl

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// Entry is a cached URL and what the cache knows of it.
type Entry struct {
	pipeline.TempURL
	// ResolvedAt is when the URL was found, CheckedAt when its file was last found to be
	// public, KeepUntil when the entry goes at the latest.
	ResolvedAt, CheckedAt, KeepUntil time.Time
}

// value is what other languages read: see the package's documentation. Seconds are for
// them, milliseconds for us.
type value struct {
	URL         string `json:"url"`
	ExpiresAt   int64  `json:"expiresAt"`
	ResolvedAt  int64  `json:"resolvedAtMs,omitempty"`
	CheckedAt   int64  `json:"checkedAtMs,omitempty"`
	KeepUntilMs int64  `json:"keepUntilMs,omitempty"`
}

// ttl is for how long the entry may be kept from now without another look, in whole
// milliseconds; not positive for not at all.
func (e Entry) ttl(now time.Time) time.Duration {
	return min(e.KeepUntil.Sub(now), e.CheckedAt.Add(Unchecked).Sub(now)).Truncate(time.Millisecond)
}

// aging tells that a new URL should be found before this one goes: in the last quarter
// of its time, at most margin before its end.
func (e Entry) aging(now time.Time, margin time.Duration) bool {
	left := e.KeepUntil.Sub(now)
	return left < min(margin, e.KeepUntil.Sub(e.ResolvedAt)/4)
}

// encode writes the value without HTML escapes, so that the URL stands in it as it is.
func (e Entry) encode() (string, error) {
	v := value{
		URL: e.URL, ResolvedAt: e.ResolvedAt.UnixMilli(), CheckedAt: e.CheckedAt.UnixMilli(),
		KeepUntilMs: e.KeepUntil.UnixMilli(),
	}
	if !e.Expires.IsZero() {
		v.ExpiresAt = e.Expires.Unix()
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return string(bytes.TrimSpace(b.Bytes())), err
}

func decode(fileID, text string, now time.Time) (Entry, bool) {
	var v value
	if err := json.Unmarshal([]byte(text), &v); err != nil || v.URL == "" {
		return Entry{}, false
	}
	e := Entry{TempURL: pipeline.TempURL{FileID: fileID, URL: v.URL}}
	if v.ExpiresAt != 0 {
		e.Expires = time.Unix(v.ExpiresAt, 0)
		if !e.Expires.After(now) {
			return Entry{}, false
		}
	}
	// An entry of an older version says none of this: it goes when its key does.
	e.ResolvedAt, e.CheckedAt, e.KeepUntil = time.UnixMilli(v.ResolvedAt), time.UnixMilli(v.CheckedAt), time.UnixMilli(v.KeepUntilMs)
	return e, true
}
