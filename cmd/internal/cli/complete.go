package cli

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

// completeFor is how long a shell waits for completions at most.
const completeFor = 2 * time.Second

// completeMany is how many completions are offered at most.
const completeMany = 50

// complete makes a completion over the configured world. Where that is away, or there is
// none, it offers nothing: a shell is no place for errors.
func (a *app) complete(
	find func(ctx context.Context, w *wire.App) ([]cobra.Completion, error),
) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		const none = cobra.ShellCompDirectiveNoFileComp
		if a.flagsFromEnv(cmd) != nil {
			return nil, none
		}
		a.quiet = true
		cfg, log, err := a.load()
		if err != nil || cfg.RequireWorker() != nil {
			return nil, none
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completeFor)
		defer cancel()
		w, err := wire.Open(ctx, cfg, log)
		if err != nil {
			return nil, none
		}
		defer func() { _ = w.Close() }()
		found, err := find(ctx, w)
		if err != nil {
			return nil, none
		}
		return found, none | cobra.ShellCompDirectiveKeepOrder
	}
}

// completeGroups offers the groups of open letters, the most frequent first.
func (a *app) completeGroups() cobra.CompletionFunc {
	return a.complete(func(ctx context.Context, w *wire.App) ([]cobra.Completion, error) {
		groups, err := w.Ledger.LetterGroups(ctx, ledger.LetterFilter{State: pipeline.LetterOpen, Limit: completeMany})
		var found []cobra.Completion
		for _, g := range groups {
			found = append(found, cobra.CompletionWithDesc(g.Fingerprint, oneLine("%d %s %s: %s", g.Count, g.Step, g.Class, g.Error)))
		}
		return found, err
	})
}

// completeLetters offers open letters, the youngest first.
func (a *app) completeLetters() cobra.CompletionFunc {
	return a.complete(func(ctx context.Context, w *wire.App) ([]cobra.Completion, error) {
		letters, err := w.Ledger.Letters(ctx, ledger.LetterFilter{State: pipeline.LetterOpen, Newest: true, Limit: completeMany})
		var found []cobra.Completion
		for _, l := range letters {
			found = append(found, cobra.CompletionWithDesc(fmt.Sprint(l.ID), oneLine("%s %s: %s", l.Step, l.Class, l.Error)))
		}
		return found, err
	})
}

// completeTasks offers the IDs of tasks in these states.
func (a *app) completeTasks(states ...tasks.TaskState) cobra.CompletionFunc {
	return a.complete(func(ctx context.Context, w *wire.App) ([]cobra.Completion, error) {
		var found []cobra.Completion
		for _, state := range states {
			for _, queue := range tasks.Queues() {
				ids, err := w.Desk.IDs(ctx, queue, state, 0, completeMany-len(found))
				if err != nil {
					return nil, err
				}
				for _, id := range ids {
					found = append(found, cobra.CompletionWithDesc(id, string(state)))
				}
				if len(found) == completeMany {
					return found, nil
				}
			}
		}
		return found, nil
	})
}

// oneLine is a description that a shell shows beside a completion.
func oneLine(format string, args ...any) string {
	const limit = 80
	s := printer.Escape(fmt.Sprintf(format, args...))
	if utf8.RuneCountInString(s) > limit {
		s = string([]rune(s)[:limit-1]) + "…"
	}
	return s
}
