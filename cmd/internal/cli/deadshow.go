package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// letterView is one letter as dead show prints it: what died, why, and what to do.
type letterView struct {
	ID          int64                `json:"id"`
	State       pipeline.LetterState `json:"state"`
	Step        pipeline.Step        `json:"step"`
	Order       string               `json:"order,omitempty"`
	Key         string               `json:"key,omitempty"`
	Owner       string               `json:"owner,omitempty"`
	FileID      string               `json:"fileID,omitempty"`
	Class       pipeline.Class       `json:"class"`
	Code        pipeline.Code        `json:"code,omitempty"`
	Error       string               `json:"error"`
	Fix         string               `json:"fix"`
	DiedAt      time.Time            `json:"diedAt"`
	Note        string               `json:"note,omitempty"`
	UploadID    string               `json:"uploadId,omitempty"`
	Fingerprint string               `json:"fingerprint"`
	TaskType    string               `json:"taskType"`
	Payload     string               `json:"payload"`
	Object      *objectView          `json:"object,omitempty"`
	Ledger      *ledgerView          `json:"ledger,omitempty"`
	Attempts    []tryView            `json:"attempts"`
}

// tryView is one attempt of the step that died.
type tryView struct {
	Run    int            `json:"run"`
	N      int            `json:"n"`
	At     time.Time      `json:"at"`
	Worker string         `json:"worker"`
	Class  pipeline.Class `json:"class,omitempty"`
	Error  string         `json:"error,omitempty"`
}

func (a *app) deadShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show one letter with its attempts", Args: cobra.ExactArgs(1),
		ValidArgsFunction: a.completeLetters(),
		Long: `Tells what died and why, every attempt, the object as the bucket has it now, the upload
and the step as the ledger has them now, and what to do.`,
		Example: "  afterput dead show 7\n  afterput dead show 7 -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := letterID(args[0])
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				l, err := w.Ledger.Letter(cmd.Context(), id)
				if errors.Is(err, ledger.ErrNotFound) {
					return failf(exitNotFound, "not_found", "afterput dead list --state all", "letter %d: %w", id, err)
				}
				if err != nil {
					return fmt.Errorf("letter %d: %w", id, err)
				}
				tries := []pipeline.Attempt{}
				if l.UploadID != "" {
					if tries, err = w.Ledger.Attempts(cmd.Context(), l.UploadID); err != nil {
						return err
					}
				}
				v := viewLetter(l, tries)
				if err := v.lookNow(cmd.Context(), w, l); err != nil {
					return err
				}
				return p.Object("afterput.letter.v1", v)
			})
		},
	}
}

func viewLetter(l pipeline.Letter, tries []pipeline.Attempt) letterView {
	v := letterView{
		ID: l.ID, State: l.State, Step: l.Step, Order: l.Scope, Key: l.Key, Owner: l.Owner, FileID: l.FileID,
		Class: l.Class, Code: l.Code, Error: l.Error, Fix: fixOf(l, ""), DiedAt: l.DiedAt, Note: l.Note,
		UploadID: l.UploadID, Fingerprint: l.Fingerprint, TaskType: l.TaskType, Payload: string(l.Payload),
		Attempts: []tryView{},
	}
	for _, t := range tries {
		if t.Step == l.Step && t.Scope == l.Scope {
			v.Attempts = append(v.Attempts, viewTry(t))
		}
	}
	return v
}

func viewTry(t pipeline.Attempt) tryView {
	return tryView{Run: t.Gen, N: t.N, At: t.StartedAt, Worker: t.Worker, Class: t.Class, Error: t.Error}
}
