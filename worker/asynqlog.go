package worker

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/afterput/afterput/pipeline/seldom"
)

// asynqLog hands asynq's lines to slog, thinned: its loops say the same several times a
// second while Redis is away. Fatal does not end the process.
type asynqLog struct {
	log    *slog.Logger
	seldom *seldom.Log
}

func newAsynqLog(log *slog.Logger) *asynqLog { return &asynqLog{log: log, seldom: seldom.New(log)} }

func (a *asynqLog) Debug(args ...any) { a.log.Debug("asynq: " + fmt.Sprint(args...)) }
func (a *asynqLog) Info(args ...any)  { a.log.Info("asynq: " + fmt.Sprint(args...)) }
func (a *asynqLog) Warn(args ...any)  { a.thinned(slog.LevelWarn, fmt.Sprint(args...)) }
func (a *asynqLog) Fatal(args ...any) { a.thinned(slog.LevelError, fmt.Sprint(args...)) }

func (a *asynqLog) Error(args ...any) {
	msg := fmt.Sprint(args...)
	if strings.HasPrefix(msg, "Dequeue error") {
		return // the brake has said so
	}
	a.thinned(slog.LevelError, msg)
}

func (a *asynqLog) thinned(level slog.Level, msg string) {
	a.seldom.Line(context.Background(), level, msg, "asynq: "+msg)
}
