package cli

import (
	"strconv"
	"strings"
	"time"
)

// parseAge reads the value of a flag that says how long ago: 90d, 24h, 30m.
func parseAge(flag, value string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(value, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 100_000 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	age, err := time.ParseDuration(value)
	if err != nil || age < 0 {
		return 0, failf(exitUsage, "usage", "", "--%s %q: want an age such as 90d, 24h or 30m", flag, value)
	}
	return age, nil
}
