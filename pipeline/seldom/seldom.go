package seldom

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Every is how often a line of one kind is logged.
const Every = 10 * time.Second

// maxKinds bounds what is remembered.
const maxKinds = 100

// Log hands lines to a logger, thinned. It is safe for concurrent use.
type Log struct {
	log *slog.Logger

	mu    sync.Mutex
	kinds map[string]*kind
}

// kind is what is known of lines of one kind.
type kind struct {
	at     time.Time // of the last one that was logged
	missed int       // since then
}

// New makes a Log over log.
func New(log *slog.Logger) *Log { return &Log{log: log, kinds: map[string]*kind{}} }

// Line logs msg with args, and with the attribute repeated: how many lines of this kind
// there were since the last one that was logged. Within Every of that one it is logged at
// the level debug, without. Kinds should be few: beyond 100 of them all are forgotten.
func (l *Log) Line(ctx context.Context, level slog.Level, of, msg string, args ...any) {
	repeated, due := l.due(of)
	if !due {
		l.log.DebugContext(ctx, msg, args...)
		return
	}
	l.log.Log(ctx, level, msg, append(args, "repeated", repeated)...)
}

func (l *Log) due(of string) (repeated int, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.kinds[of]
	if k == nil {
		if len(l.kinds) >= maxKinds {
			clear(l.kinds)
		}
		k = &kind{}
		l.kinds[of] = k
	}
	now := time.Now()
	if now.Sub(k.at) < Every {
		k.missed++
		return 0, false
	}
	repeated = k.missed
	*k = kind{at: now}
	return repeated, true
}
