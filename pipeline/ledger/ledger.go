package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/sqldb"
)

// Errors that callers test for.
var (
	// ErrSuperseded says that a newer run or attempt exists, or that the step is not
	// pending any more: nothing was changed.
	ErrSuperseded = errors.New("superseded")
	// ErrNotFound says that the ledger has no such row.
	ErrNotFound = errors.New("not in the ledger")
	// ErrNotOpen says that a letter was replayed, resolved or discarded already.
	ErrNotOpen = errors.New("the letter is not open")
)

// Options configure a Ledger.
type Options struct {
	// DB is the open database. Required.
	DB *sqldb.DB
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Committed, where set, is called with the operation's name after each transaction has
	// been committed and before its caller hears of it. The battery ends the process there.
	Committed func(op string)
	// Subscribers names the endpoints that want an event such as upload.done, "" for the
	// default one. Nil means the default one, for every event but order.updated.
	Subscribers func(event string) []string
	// Skips gives the reason for which files of a MIME type have no thumbnails, and "" where
	// they may have. Nil means [pipeline.SkipsAllButImages].
	Skips func(kind string) string
	// SweepGrace is how long after its task should be in the queue a pending step is
	// swept. Default one minute.
	SweepGrace time.Duration
}

// Ledger is the record. It is safe for concurrent use, also by several processes.
type Ledger struct {
	db        *sqldb.DB
	now       func() time.Time
	grace     time.Duration
	committed func(op string)
	wanted    func(event string) []string
	skips     func(kind string) string
	slots     slots
}

// New makes a Ledger over an open database; Migrate must have run once.
func New(opt Options) (*Ledger, error) {
	if opt.DB == nil {
		return nil, errors.New("ledger: no database")
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.SweepGrace <= 0 {
		opt.SweepGrace = time.Minute
	}
	if opt.Committed == nil {
		opt.Committed = func(string) {}
	}
	if opt.Subscribers == nil {
		opt.Subscribers = func(event string) []string {
			if event == pipeline.OrderUpdated {
				return nil
			}
			return []string{""}
		}
	}
	if opt.Skips == nil {
		opt.Skips = pipeline.SkipsAllButImages
	}
	return &Ledger{
		db: opt.DB, now: opt.Now, grace: opt.SweepGrace, committed: opt.Committed, wanted: opt.Subscribers, skips: opt.Skips,
	}, nil
}

// Ping tells whether the ledger can be written to, by writing: a full disk still reads.
func (l *Ledger) Ping(ctx context.Context) error {
	return l.write(ctx, "ping", l.ping)
}

func (l *Ledger) ping(ctx context.Context, tx bun.Tx) error {
	_, err := tx.NewRaw("INSERT INTO leases (name, holder, until) VALUES ('ping', '', ?)"+
		l.db.Upsert([]string{"name"}, []string{"until"}), int64(at(l.now()))).Exec(ctx)
	return err
}

// write runs fn in one transaction, again where it lost against others, and classes what it returns: our own errors keep
// their meaning, whatever the database says is Transient.
func (l *Ledger) write(ctx context.Context, op string, fn func(ctx context.Context, tx bun.Tx) error) error {
	err := l.commit(ctx, fn)
	if err == nil {
		l.committed(op)
	}
	return classed(op, err)
}

func classed(op string, err error) error {
	switch {
	case err == nil, errors.Is(err, ErrSuperseded), errors.Is(err, ErrNotFound), errors.Is(err, ErrNotOpen):
		return err
	}
	if _, ok := errors.AsType[*pipeline.Error](err); ok {
		return err
	}
	return &pipeline.Error{Class: pipeline.Transient, Op: "ledger." + op, Err: err}
}
