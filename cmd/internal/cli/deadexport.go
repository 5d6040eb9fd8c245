package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

func (a *app) deadExportCmd() *cobra.Command {
	var flags letterFlags
	var state string
	var failIfEmpty bool
	cmd := &cobra.Command{
		Use: "export FILE", Short: "Write letters with their attempts to a file, one JSON object per line",
		Args:    cobra.ExactArgs(1),
		Long:    "The file must not exist; only you may read it: letters hold keys, owners and payloads.",
		Example: "  afterput dead export letters.ndjson --class invalid",
		RunE: func(cmd *cobra.Command, args []string) error {
			filter, err := flags.filter(time.Now())
			if err != nil {
				return err
			}
			if filter.State, err = stateFlag(state); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				n, err := export(cmd.Context(), w.Ledger, filter, args[0])
				if err != nil {
					return err
				}
				if err := p.Object("afterput.export.v1", map[string]any{"file": args[0], "count": n}); err != nil {
					return err
				}
				return orEmpty(failIfEmpty, n)
			})
		},
	}
	flags.register(a, cmd)
	registerState(cmd, &state)
	cmd.Flags().BoolVar(&failIfEmpty, "fail-if-empty", false, "exit with 4 when nothing matches")
	return cmd
}

// export writes letters to a new file; what it could not finish it removes.
func export(ctx context.Context, l *ledger.Ledger, f ledger.LetterFilter, path string) (n int, err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return 0, failf(exitConflict, "exists", "choose another name", "%s exists already", path)
	}
	if err != nil {
		return 0, err
	}
	out := bufio.NewWriter(file)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	err = l.EachLetter(ctx, f, func(x pipeline.Letter) error {
		tries := []pipeline.Attempt{}
		if x.UploadID != "" {
			if tries, err = l.Attempts(ctx, x.UploadID); err != nil {
				return err
			}
		}
		n++
		return lines.Encode(viewLetter(x, tries))
	})
	if err = errors.Join(err, out.Flush(), file.Close()); err != nil {
		return n, errors.Join(err, os.Remove(path))
	}
	return n, nil
}
