package audit

import (
	"context"
	"fmt"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// books counts the equations.
func (a *Audit) books(ctx context.Context) error {
	b, err := a.opt.Ledger.Books(ctx, a.opt.Since)
	if err != nil {
		return err
	}
	a.report.Books = b
	if b.Balance() != 0 {
		err = a.found(Finding{Kind: KindEquation, What: fmt.Sprintf(
			"%d announced, but %d done + %d rejected + %d dead + %d discarded + %d gone + %d in flight",
			b.Announced, b.Done, b.Rejected, b.Dead, b.Discarded, b.Gone, b.InFlight)})
	}
	if err == nil && b.DeadSteps != b.OpenLetters {
		err = a.found(Finding{Kind: KindEquation, What: fmt.Sprintf("%d dead steps, but %d open letters for them", b.DeadSteps, b.OpenLetters)})
	}
	for _, s := range b.Steps {
		if err == nil && s.Balance() != 0 {
			err = a.found(Finding{Kind: KindEquation, Step: s.Step, What: fmt.Sprintf(
				"%d wanted, but %d pending + %d done + %d skipped + %d dead + %d discarded",
				s.Wanted, s.Pending, s.Done, s.Skipped, s.Dead, s.Discarded)})
		}
	}
	return err
}

// gaps names the rows of the ledger that contradict each other.
func (a *Audit) gaps(ctx context.Context) error {
	for _, kind := range ledger.GapKinds() {
		var after ledger.Gap
		for {
			page, err := a.opt.Ledger.Gaps(ctx, kind, a.opt.Since, after, a.opt.Page)
			if err != nil {
				return err
			}
			for _, g := range page {
				after = g
				f := Finding{Kind: Kind(kind), UploadID: g.UploadID, Key: g.Key, Step: g.Step, Order: g.Scope, What: gapText(kind, g.Step)}
				if err := a.found(f); err != nil {
					return err
				}
			}
			if len(page) < a.opt.Page {
				break
			}
		}
	}
	return nil
}

func gapText(kind ledger.GapKind, step pipeline.Step) string {
	switch kind {
	case ledger.GapStep:
		return fmt.Sprintf("the ledger has no row of step %s", step)
	case ledger.GapState:
		return fmt.Sprintf("step %s is in a state that does not exist", step)
	case ledger.GapUpload:
		return "a step, link or letter belongs to an upload that the ledger does not have"
	case ledger.GapLink:
		return "there is an attach, but no link to the order"
	case ledger.GapMark:
		return "attach is done, but the link is not marked as attached"
	case ledger.GapLetter:
		return fmt.Sprintf("step %s is dead and has no open letter", step)
	case ledger.GapDead:
		return fmt.Sprintf("a letter is open, but step %s is not dead", step)
	}
	return string(kind)
}
