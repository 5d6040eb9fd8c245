package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
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
		Example:           "  afterput dead show 7",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := letterID(args[0])
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				l, err := w.Ledger.Letter(cmd.Context(), id)
				if err != nil {
					return fmt.Errorf("letter %d: %w", id, err)
				}
				tries := []pipeline.Attempt{}
				if l.UploadID != "" {
					if tries, err = w.Ledger.Attempts(cmd.Context(), l.UploadID); err != nil {
						return err
					}
				}
				return p.Object("afterput.letter.v1", viewLetter(l, tries))
			})
		},
	}
}

func viewLetter(l pipeline.Letter, tries []pipeline.Attempt) letterView {
	v := letterView{
		ID: l.ID, State: l.State, Step: l.Step, Order: l.Scope, Key: l.Key, Owner: l.Owner, FileID: l.FileID,
		Class: l.Class, Code: l.Code, Error: l.Error, Fix: fixOf(l), DiedAt: l.DiedAt, Note: l.Note,
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

// fixOf suggests what to do about a letter.
func fixOf(l pipeline.Letter) string {
	again := "then: afterput dead replay " + strconv.FormatInt(l.ID, 10)
	if l.UploadID == "" {
		return "the task is not ours or of another version: find who enqueued it, or run the matching version"
	}
	switch l.Class {
	case pipeline.Waiting:
		return "create the order " + l.Scope + ", " + again
	case pipeline.Denied:
		return "check the key pair's rights on the bucket, " + again
	case pipeline.Missing:
		return "check that the object is in the bucket: it was announced and never seen; " + again
	case pipeline.Invalid:
		return "mend the data that the message names, " + again
	case pipeline.Poison, pipeline.Bug:
		return "report it with the file and the message; after an update " + again
	case pipeline.Transient, pipeline.Throttled, pipeline.Conflict, pipeline.Superseded, pipeline.Interrupted:
	}
	return "see that what the message names works again, " + again
}
