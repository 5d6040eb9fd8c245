package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// explained is the timeline of one upload.
type explained struct {
	UploadID      string         `json:"uploadId"`
	Key           string         `json:"key"`
	FileID        string         `json:"fileID"`
	State         pipeline.State `json:"state"`
	Reason        pipeline.Code  `json:"reason,omitempty"`
	Announcements int            `json:"announcements"`
	Events        []happened     `json:"events"`
}

// happened is one line of a timeline.
type happened struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
}

func (a *app) explainCmd() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "explain REF", GroupID: "look", Short: "Tell what happened to an upload", Args: cobra.ExactArgs(1),
		Long:    "REF is an upload ID, a fileID, an object key or an order; of an order, every upload is explained.",
		Example: "  afterput explain users/o1/1.jpg\n  afterput explain A12 -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				uploads, err := w.Ledger.Find(cmd.Context(), args[0], limit)
				if errors.Is(err, ledger.ErrNotFound) {
					return failf(exitNotFound, "not_found", "was it announced? afterput enqueue KEY announces it", "%q is no upload ID, fileID, key or order here", args[0])
				}
				if err != nil {
					return err
				}
				return a.explainAll(cmd.Context(), w, p, uploads)
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 100, "at most so many uploads")
	return cmd
}

func (a *app) explainAll(ctx context.Context, w *wire.App, p *printer.Printer, uploads []pipeline.Upload) error {
	var all []explained
	for _, u := range uploads {
		e, err := explain(ctx, w.Ledger, u)
		if err != nil {
			return err
		}
		all = append(all, e)
	}
	if p.Machine() {
		return p.Object("afterput.explain.v1", map[string]any{"uploads": all})
	}
	for i, e := range all {
		if i > 0 {
			_, _ = fmt.Fprintln(a.stdout)
		}
		_, _ = fmt.Fprintf(a.stdout, "%s  %s\n%s  %s", printer.Escape(e.Key), e.UploadID, e.FileID, e.State)
		if e.Reason != "" {
			_, _ = fmt.Fprintf(a.stdout, " (%s)", e.Reason)
		}
		_, _ = fmt.Fprintln(a.stdout)
		for _, h := range e.Events {
			_, _ = fmt.Fprintf(a.stdout, "  %s  %+8.3fs  %s\n", h.At.Format("15:04:05.000"),
				h.At.Sub(e.Events[0].At).Seconds(), printer.Escape(h.What))
		}
	}
	return nil
}

func explain(ctx context.Context, l *ledger.Ledger, u pipeline.Upload) (explained, error) {
	e := explained{UploadID: u.ID, Key: u.Key, FileID: u.FileID, Reason: u.Reason, Announcements: u.Announcements}
	add := func(at time.Time, format string, args ...any) {
		e.Events = append(e.Events, happened{at, fmt.Sprintf(format, args...)})
	}
	steps, err1 := l.Steps(ctx, u.ID)
	tries, err2 := l.Attempts(ctx, u.ID)
	links, err3 := l.Links(ctx, u.ID)
	letters, err4 := l.Letters(ctx, ledger.LetterFilter{UploadID: u.ID})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return e, err
	}
	e.State = pipeline.DeriveState(u.Reason, steps)
	add(u.CreatedAt, "announced by %s, %d duplicates since", u.Source, u.Announcements-1)
	for _, k := range links {
		pos := "no position"
		if k.Position != nil {
			pos = fmt.Sprintf("position %d", *k.Position)
		}
		add(k.CreatedAt, "linked to order %s, %s", k.Order, pos)
	}
	for _, t := range tries {
		addAttempt(add, t)
	}
	for _, s := range steps {
		addStep(add, s)
	}
	for _, d := range letters {
		add(d.DiedAt, "letter %d (%s): %s, %s", d.ID, d.State, d.Step, d.Error)
	}
	slices.SortStableFunc(e.Events, func(x, y happened) int { return x.At.Compare(y.At) })
	return e, nil
}

func addAttempt(add func(time.Time, string, ...any), t pipeline.Attempt) {
	name := string(t.Step)
	if t.Scope != "" {
		name += " " + t.Scope
	}
	add(t.StartedAt, "%s run %d attempt %d begins on %s", name, t.Gen, t.N, t.Worker)
	switch {
	case t.EndedAt.IsZero():
	case t.Class == "":
		add(t.EndedAt, "%s run %d attempt %d succeeds", name, t.Gen, t.N)
	default:
		add(t.EndedAt, "%s run %d attempt %d fails: %s: %s", name, t.Gen, t.N, t.Class, t.Error)
	}
}

func addStep(add func(time.Time, string, ...any), s pipeline.StepRecord) {
	what := fmt.Sprintf("%s %s", s.Step, s.State)
	if s.Code != "" {
		what += " " + string(s.Code)
	}
	if s.Detail != "" {
		what += ": " + s.Detail
	}
	if s.State == pipeline.Pending && !s.ReadyAt.IsZero() {
		what += ", to run at " + s.ReadyAt.Format("15:04:05.000")
	}
	if s.Step != pipeline.StepNotify && len(s.Result) > 0 {
		what += " " + string(s.Result)
	}
	add(s.UpdatedAt, "%s", what)
}
