package cli

import (
	"context"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/producer/replay"
)

func (a *app) deadReplayCmd() *cobra.Command {
	b := &bulk{action: replay.Replay}
	cmd := &cobra.Command{
		Use: "replay [ID..]", Short: "Give the steps of letters a fresh budget", ValidArgsFunction: a.completeLetters(),
		Long: `The steps run again as if they had never failed. The note and your name stand in the
audit trail. Ctrl-C leaves the rest open: run it again. Two people at once replay
nothing twice. Look before with --dry-run.`,
		Example: `  afterput dead replay 7 --note 'order A12 exists now'
  afterput dead replay --group 7f3a91c2 --dry-run
  afterput dead replay --class denied --since 2h --note 'the key was renewed' --wait --stop-on-failure 0.2`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := b.read(cmd, args, time.Now()); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				if b.single(args) {
					return a.replayOne(cmd.Context(), w, p, b.opt.Filter.IDs[0], b.opt.Note)
				}
				return a.bulk(cmd, w, p, b)
			})
		},
	}
	b.register(a, cmd)
	fs := cmd.Flags()
	fs.BoolVar(&b.opt.Wait, "wait", false, "wait until what was replayed was resolved or died again")
	fs.DurationVar(&b.opt.WaitTimeout, "wait-timeout", 10*time.Minute, "wait so long after the last letter")
	fs.Float64Var(&b.opt.StopOnFailure, "stop-on-failure", 0, "stop when more than this share (0.2) died again; needs --wait")
	return cmd
}

// replayOne replays one letter, whose state decides the exit code.
func (a *app) replayOne(ctx context.Context, w *wire.App, p *printer.Printer, id int64, note string) error {
	queued, err := replay.Letter(ctx, w.Ledger, w.Queue, id, operator(), note)
	if err != nil {
		return err
	}
	if !queued {
		a.say("Redis does not answer: the sweep will queue it")
	}
	return p.Object("afterput.replay.v1", map[string]any{"id": id, "replayed": true, "queued": queued})
}

// operator names who runs the command, for the audit trail.
func operator() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
