package monitor

import (
	"net/http"

	"github.com/hibiken/asynqmon"
	"github.com/redis/go-redis/v9"
)

// Path is where the monitor is mounted.
const Path = "/monitor"

// shared hands asynqmon a client that stays ours.
type shared struct{ rdb redis.UniversalClient }

// MakeRedisClient is part of asynq.RedisConnOpt.
func (s shared) MakeRedisClient() any { return s.rdb }

// New makes the monitor's handler, to be mounted at Path + "/".
func New(rdb redis.UniversalClient, allowWrites bool) http.Handler {
	ui := asynqmon.New(asynqmon.Options{
		RootPath: Path, RedisConnOpt: shared{rdb}, ReadOnly: !allowWrites,
		PayloadFormatter: asynqmon.PayloadFormatterFunc(payload),
	})
	// Browsers send credentials along with what another site has them send, and asynqmon
	// has no protection of its own.
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Frame-Options", "DENY")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "same-origin")
		ui.ServeHTTP(w, r)
	}))
}

// payload shows our one-line JSON, and whatever else a task holds, as it is.
func payload(_ string, b []byte) string { return string(b) }
