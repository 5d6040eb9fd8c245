package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer"
)

func (a *app) enqueueCmd() *cobra.Command {
	var order, owner, batch string
	var wait time.Duration
	cmd := &cobra.Command{
		Use: "enqueue FILE.. | -", GroupID: "put", Short: "Announce objects by key or fileID",
		Long: `Announces objects as POST /v1/uploads does: keys of the default bucket or fileIDs, in the
order in which they shall stand in the order. With - one per line from stdin.`,
		Example: "  afterput enqueue --order A12 users/o1/1.jpg users/o1/2.jpg\n  grep jpg keys.txt | afterput enqueue - --wait 1m",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := a.files(args)
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				receipts, err := announce(cmd.Context(), w, files, order, owner, batch)
				if err != nil {
					return err
				}
				return printReceipts(cmd.Context(), w, p, receipts, wait)
			})
		},
	}
	cmd.Flags().StringVar(&order, "order", "", "order to write the fileIDs into")
	cmd.Flags().StringVar(&owner, "owner", "", "owner of the files (default from the key)")
	cmd.Flags().StringVar(&batch, "batch", "", "name of the batch, to announce it in parts")
	cmd.Flags().DurationVar(&wait, "wait", 0, "wait so long for the uploads to end")
	return cmd
}

func (a *app) files(args []string) ([]string, error) {
	if len(args) != 1 || args[0] != "-" {
		return args, nil
	}
	var files []string
	lines := bufio.NewScanner(a.stdin)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" {
			files = append(files, line)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, failf(exitUsage, "usage", "one key or fileID per line", "stdin names no file")
	}
	return files, nil
}

func announce(ctx context.Context, w *wire.App, files []string, order, owner, batch string) ([]producer.Receipt, error) {
	p, err := w.Producer()
	if err != nil {
		return nil, err
	}
	anns := make([]pipeline.Announcement, 0, len(files))
	for i, f := range files {
		ann, err := p.Named(f)
		if err != nil {
			return nil, err
		}
		ann.Owner, ann.Order, ann.Source = owner, order, "cli"
		if order != "" {
			ann.Position, ann.Batch = new(i), batch
			if batch == "" {
				ann.Batch = "cli-" + pipeline.OrderHash(strings.Join(files, "\n"))
			}
		}
		anns = append(anns, ann)
	}
	return p.Accept(ctx, "", anns)
}

func printReceipts(
	ctx context.Context, w *wire.App, p *printer.Printer, receipts []producer.Receipt, wait time.Duration,
) error {
	s, err := p.Stream("afterput.enqueue.v1", []printer.Column{{Key: "uploadId"}, {Key: "state"}, {Key: "new"}, {Key: "key"}, {Key: "fileID"}})
	if err != nil {
		return err
	}
	var late error
	if wait > 0 {
		wctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		if late = settled(wctx, w, receipts); late != nil && !errors.Is(late, context.DeadlineExceeded) {
			return late
		}
	}
	for _, r := range receipts {
		u, err := w.Ledger.Upload(ctx, r.UploadID)
		if err != nil {
			return err
		}
		steps, err := w.Ledger.Steps(ctx, r.UploadID)
		if err != nil {
			return err
		}
		if err := s.Row(r.UploadID, string(pipeline.DeriveState(u.Reason, steps)), r.New, r.Key, r.FileID); err != nil {
			return err
		}
	}
	return errors.Join(s.Close(nil), late)
}

// settled waits until none of the uploads is in flight.
func settled(ctx context.Context, w *wire.App, receipts []producer.Receipt) error {
	for _, r := range receipts {
		for {
			steps, err := w.Ledger.Steps(ctx, r.UploadID)
			if err != nil && ctx.Err() == nil {
				return err
			}
			if err == nil && pipeline.DeriveState("", steps) != pipeline.InFlight {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s is still %s: %w", r.Key, pipeline.InFlight, ctx.Err())
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	return nil
}
