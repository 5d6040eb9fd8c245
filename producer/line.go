package producer

import (
	"context"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// maxLine is how many calls may ask the ledger at once. SQLite has one writer, which takes
// them one by one, and a server that stands still takes none: a longer line would be memory,
// and answers that come when the phone has hung up.
const maxLine = 64

// enter takes a place in the line for the ledger. Who gets one has to leave; who does not is
// told to come again, by an error of class Transient.
func (p *Producer) enter() (leave func(), err error) {
	select {
	case p.line <- struct{}{}:
		return func() { <-p.line }, nil
	default:
		return nil, pipeline.Errorf(pipeline.Transient, "line", "", "%d others wait for the ledger", maxLine)
	}
}

// Sign is that of the ledger, in the line of the announcements.
func (p *Producer) Sign(ctx context.Context, s ledger.Signed) error {
	leave, err := p.enter()
	if err != nil {
		return err
	}
	defer leave()
	return p.opt.Ledger.Sign(ctx, s)
}

// Signed is that of the ledger, in the line of the announcements.
func (p *Producer) Signed(ctx context.Context, uploadIDs ...string) (map[string]ledger.Signed, error) {
	leave, err := p.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	return p.opt.Ledger.Signed(ctx, uploadIDs...)
}
