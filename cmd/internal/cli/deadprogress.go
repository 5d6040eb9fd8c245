package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer/replay"
)

// bulkOutput is what a run over many letters prints: rows in JSON lines, else only the
// summary, and its progress on stderr.
type bulkOutput struct {
	a       *app
	b       *bulk
	p       *printer.Printer
	rows    *printer.Stream
	total   int
	began   time.Time
	told    time.Time
	every   time.Duration
	lineEnd string
}

func (a *app) bulkOutput(p *printer.Printer, b *bulk, total int) (*bulkOutput, error) {
	o := &bulkOutput{a: a, b: b, p: p, total: total, began: time.Now(), told: time.Now(), every: 10 * time.Second, lineEnd: "\n"}
	if isTerminal(a.stderr) {
		o.every, o.lineEnd = 200*time.Millisecond, "\r"
	}
	if p.Format() != printer.JSONL {
		return o, nil
	}
	var err error
	o.rows, err = p.Stream(o.schema(), b.columns)
	return o, err
}

func (o *bulkOutput) schema() string { return "afterput." + string(o.b.action) + ".v1" }

// done is what became of a letter that was worked on.
func (o *bulkOutput) done() string {
	if o.b.action == replay.Discard {
		return "discarded"
	}
	return "replayed"
}

func (o *bulkOutput) each(l pipeline.Letter, err error) error {
	kept, isKept := errors.AsType[*replay.KeptError](err)
	if o.rows == nil {
		if isKept {
			o.a.say("letter %d: %s: %s", l.ID, printer.Escape(l.Key), printer.Escape(kept.Error()))
		}
		return nil
	}
	result, message := o.done(), ""
	switch {
	case isKept:
		message = kept.Error()
	case errors.Is(err, ledger.ErrNotOpen), errors.Is(err, ledger.ErrNotFound):
		result = "skipped"
	case err != nil:
		result, message = "failed", err.Error()
	}
	return o.rows.Row(l.ID, result, string(l.Step), l.Key, message)
}

// progress prints 812/1,204 replayed  skipped 2  failed 3  died again 1  19/s  ETA 20s.
func (o *bulkOutput) progress(s replay.Summary) {
	now := time.Now()
	done := s.Replayed + s.Skipped + s.Failed
	if o.a.quiet || now.Sub(o.told) < o.every {
		return
	}
	o.told = now
	perSecond := float64(done) / now.Sub(o.began).Seconds()
	line := fmt.Sprintf("%s/%s %s  skipped %d  failed %d", thousands(done), thousands(o.total), o.done(), s.Skipped, s.Failed)
	if o.b.opt.Wait {
		line += fmt.Sprintf("  ok %d  died again %d", s.Resolved, s.DiedAgain)
	}
	if left := o.total - done; left > 0 && perSecond > 0 {
		eta := time.Duration(float64(left) / perSecond * float64(time.Second))
		line += fmt.Sprintf("  %.0f/s  ETA %s", perSecond, eta.Round(time.Second))
	}
	o.a.ask("%-78s%s", line, o.lineEnd)
}

// close prints the summary.
func (o *bulkOutput) close(s replay.Summary) error {
	if o.lineEnd == "\r" && !o.a.quiet {
		o.a.ask("%-78s\r", "")
	}
	if s.Unqueued > 0 {
		o.a.say("Redis does not answer: the sweep will queue %s of them", thousands(s.Unqueued))
	}
	fields := map[string]any{
		"matched": s.Matched, o.done(): s.Replayed, "skipped": s.Skipped, "failed": s.Failed,
		"note": o.b.opt.Note, "auditId": s.AuditID,
	}
	if o.b.deletes() {
		fields["deleted"], fields["kept"] = s.Deleted, s.Kept
	}
	if o.b.opt.Wait {
		fields["resolved"], fields["diedAgain"] = s.Resolved, s.DiedAgain
	}
	if o.rows != nil {
		return o.rows.Close(fields)
	}
	return o.p.Object(o.schema(), fields)
}

// ask prints without a line end, on stderr.
func (a *app) ask(format string, args ...any) { _, _ = fmt.Fprintf(a.stderr, format, args...) }
