package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// The exit codes. They are stable; an unknown one is a failure.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitPartial     = 3
	exitEmpty       = 4
	exitConfig      = 10
	exitRedis       = 11
	exitStorage     = 12
	exitOrders      = 13
	exitNotFound    = 14
	exitConflict    = 15
	exitWarnings    = 20
	exitUnhealthy   = 21
	exitTimeout     = 124
	exitInterrupted = 130
)

const exitCodesHelp = `  0    ok
  1    failed
  2    usage, flags or confirmation
  3    partial: some items failed, or what was counted does not add up
  4    nothing matched, with --fail-if-empty
  10   the configuration is invalid
  11   Redis cannot be reached
  12   the object store cannot be reached or refuses
  13   the orders database cannot be reached
  14   not found
  15   conflict: replayed already, paused or locked
  20   doctor warns, with --strict
  21   doctor found what does not work
  124  the time limit was reached
  130  interrupted

Exit codes are stable. Treat one that is not listed as a failure.`

// failure is an error with its exit code and what to do about it.
type failure struct {
	exit int
	code string
	hint string
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func failf(exit int, code, hint, format string, args ...any) error {
	return &failure{exit: exit, code: code, hint: hint, err: fmt.Errorf(format, args...)}
}

// explainError finds the exit code of an error and how to print it.
func explainError(ctx context.Context, err error) printer.Failure {
	out := printer.Failure{Code: "failed", ExitCode: exitFailed, Message: err.Error()}
	set := func(exit int, code, hint string) {
		out.ExitCode, out.Code = exit, code
		if hint != "" {
			out.Hint = hint
		}
	}
	if f, ok := errors.AsType[*failure](err); ok {
		set(f.exit, f.code, f.hint)
		return out
	}
	if _, ok := errors.AsType[*config.Error](err); ok {
		set(exitConfig, "config_invalid", "")
		return out
	}
	if open, ok := errors.AsType[*wire.OpenError](err); ok {
		exit := map[wire.Part]int{
			wire.PartRedis: exitRedis, wire.PartStorage: exitStorage, wire.PartOrders: exitOrders, wire.PartLedger: exitFailed,
		}[open.Part]
		set(exit, string(open.Part)+"_unreachable", partHints[open.Part])
		return out
	}
	if _, ok := errors.AsType[*printer.FieldError](err); ok {
		set(exitUsage, "usage", "")
		return out
	}
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		set(exitNotFound, "not_found", "")
	case errors.Is(err, ledger.ErrNotOpen):
		set(exitConflict, "not_open", "only open letters can be replayed: afterput dead list")
	case errors.Is(context.Cause(ctx), errInterrupted):
		set(exitInterrupted, "interrupted", "")
	case errors.Is(err, context.DeadlineExceeded):
		set(exitTimeout, "timeout", "")
	case pipeline.CodeOf(err) != "":
		out.Code = string(pipeline.CodeOf(err))
	}
	return out
}

// partHints say what to look at when a part cannot be opened.
var partHints = map[wire.Part]string{
	wire.PartRedis:  "is it up, and is redis.url right? What the ledger has needs no Redis: afterput dead, afterput explain",
	wire.PartOrders: "is it up, and are orders.* right? afterput config show --origin tells where they come from",
}

var errInterrupted = errors.New("interrupted")

// usage marks what cobra finds wrong with flags and arguments.
func usage(_ *cobra.Command, err error) error {
	return failf(exitUsage, "usage", "see --help", "%w", err)
}
