package worker

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// repeatEvery is how often a line of asynq that repeats itself is logged: its loops say
// the same several times a second while Redis is away.
const repeatEvery = 10 * time.Second

// asynqLog hands asynq's lines to slog, thinned. Fatal does not end the process.
type asynqLog struct {
	log *slog.Logger

	mu   sync.Mutex
	said map[string]*repeated
}

type repeated struct {
	at      time.Time
	dropped int
}

func newAsynqLog(log *slog.Logger) *asynqLog {
	return &asynqLog{log: log, said: map[string]*repeated{}}
}

func (a *asynqLog) Debug(args ...any) { a.log.Debug("asynq: " + fmt.Sprint(args...)) }
func (a *asynqLog) Info(args ...any)  { a.log.Info("asynq: " + fmt.Sprint(args...)) }
func (a *asynqLog) Warn(args ...any)  { a.thinned(a.log.Warn, fmt.Sprint(args...)) }
func (a *asynqLog) Fatal(args ...any) { a.thinned(a.log.Error, fmt.Sprint(args...)) }

func (a *asynqLog) Error(args ...any) {
	msg := fmt.Sprint(args...)
	if strings.HasPrefix(msg, "Dequeue error") {
		return // the brake has said so
	}
	a.thinned(a.log.Error, msg)
}

func (a *asynqLog) thinned(log func(msg string, args ...any), msg string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.said) > 100 { // lines that name tasks never repeat
		clear(a.said)
	}
	last := a.said[msg]
	if last == nil {
		last = &repeated{}
		a.said[msg] = last
	}
	if time.Since(last.at) < repeatEvery {
		last.dropped++
		return
	}
	log("asynq: "+msg, "repeated", last.dropped)
	*last = repeated{at: time.Now()}
}
