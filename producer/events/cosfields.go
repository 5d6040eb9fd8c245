package events

import (
	"encoding/json"
	"errors"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// loose is a value that events write as a string in one place and as a number in
// another; null is "".
type loose string

// UnmarshalJSON takes strings, numbers and null.
func (l *loose) UnmarshalJSON(raw []byte) error {
	switch c := raw[0]; {
	case string(raw) == "null":
		*l = ""
	case c == '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		*l = loose(s)
	case c == '-' || (c >= '0' && c <= '9'):
		*l = loose(raw)
	default:
		return errors.New("want a string or a number")
	}
	return nil
}

func (l loose) int64() int64 {
	n, err := strconv.ParseInt(string(l), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// time reads unix seconds, unix milliseconds (EventBridge) or ISO 8601 (older documents).
func (l loose) time() time.Time {
	if n, err := strconv.ParseFloat(string(l), 64); err == nil {
		const firstMillis = 1e11 // as seconds the year 5138
		switch {
		case math.IsNaN(n) || n <= 0 || n > 1e14:
			return time.Time{}
		case n >= firstMillis:
			return time.UnixMilli(int64(n)).UTC()
		}
		return time.Unix(int64(n), 0).UTC()
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, string(l)); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// bucketName joins name and appid: the name in an event has no appid.
func bucketName(name, appID string) string {
	if name == "" || appID == "" {
		return name
	}
	return name + "-" + appID
}

var regionPattern = regexp.MustCompile(`^[a-z]{2,3}-[a-z]+(-[a-z0-9]+)*$`)

// regionOf finds the region: cosRegion where it is given, else the queue
// (qcs:0:scf:ap-guangzhou:...), else the host of the URL (b-1.cos.ap-guangzhou.myqcloud.com).
// cosBucket.region is only a short code.
func regionOf(cosRegion, queue, rawURL string) string {
	if regionPattern.MatchString(cosRegion) {
		return cosRegion
	}
	if parts := strings.Split(queue, ":"); len(parts) > 3 && regionPattern.MatchString(parts[3]) {
		return parts[3]
	}
	host, _ := splitURL(rawURL)
	labels := strings.Split(host, ".")
	for i := range labels {
		if i > 0 && strings.HasPrefix(labels[i-1], "cos") && regionPattern.MatchString(labels[i]) {
			return labels[i]
		}
	}
	return ""
}

// splitURL cuts a URL without parsing it, because the path of some events is not
// percent-encoded and would not parse.
func splitURL(rawURL string) (host, path string) {
	_, rest, ok := strings.Cut(rawURL, "://")
	if !ok {
		return "", ""
	}
	host, path, _ = strings.Cut(rest, "/")
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	return host, path
}

// keysOf gives the names that the object may have, best first and without doubles. Names
// that no object can have are left out while a better one is there.
func keysOf(name, appID, key, rawURL string) []string {
	var candidates []string
	if _, path := splitURL(rawURL); path != "" {
		if decoded, err := url.PathUnescape(path); err == nil {
			candidates = append(candidates, decoded)
		}
	}
	raw := stripBucket(name, appID, key)
	candidates = append(candidates, raw)
	if decoded, err := url.PathUnescape(raw); err == nil {
		candidates = append(candidates, decoded)
	}

	var keys, odd []string
	for _, c := range candidates {
		switch {
		case c == "" || slices.Contains(keys, c) || slices.Contains(odd, c):
		case pipeline.CheckName(c) == nil:
			keys = append(keys, c)
		default:
			odd = append(odd, c)
		}
	}
	if len(keys) == 0 {
		return odd
	}
	return keys
}

// stripBucket takes /appid/name/ off once; a key without it loses one leading slash.
func stripBucket(name, appID, key string) string {
	for _, prefix := range []string{"/" + appID + "/" + name + "/", "/" + appID + "/" + bucketName(name, appID) + "/"} {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			return rest
		}
	}
	return strings.TrimPrefix(key, "/")
}
