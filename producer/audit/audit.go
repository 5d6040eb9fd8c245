package audit

import (
	"context"
	"errors"
	"time"

	"github.com/hibiken/asynq"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// Orders reads an order. An order that does not exist is an error of class Waiting.
type Orders interface {
	ReadOrder(ctx context.Context, id string) (pipeline.Order, error)
}

// Header asks for an object without its bytes. One that is not there is Missing.
type Header interface {
	Head(ctx context.Context, bucket, key string) (pipeline.ObjectInfo, error)
}

// Queue looks into the queues: *asynq.Inspector.
type Queue interface {
	GetTaskInfo(queue, id string) (*asynq.TaskInfo, error)
	ListPendingTasks(queue string, opts ...asynq.ListOption) ([]*asynq.TaskInfo, error)
	ListActiveTasks(queue string, opts ...asynq.ListOption) ([]*asynq.TaskInfo, error)
	ListScheduledTasks(queue string, opts ...asynq.ListOption) ([]*asynq.TaskInfo, error)
	ListRetryTasks(queue string, opts ...asynq.ListOption) ([]*asynq.TaskInfo, error)
	ListArchivedTasks(queue string, opts ...asynq.ListOption) ([]*asynq.TaskInfo, error)
}

// Options configure an Audit.
type Options struct {
	// Ledger is the record. Required.
	Ledger *ledger.Ledger
	// Orders, Objects and Queue are the outside; nil leaves that comparison out.
	Orders  Orders
	Objects Header
	Queue   Queue
	// Buckets tell which fileIDs are ours.
	Buckets pipeline.Buckets
	// KeepRejected tells of which files entries stay in orders when they are rejected later.
	// Nil: of none.
	KeepRejected func(fileID string) bool
	// Since leaves out uploads that were first announced before it, and orders without a
	// link since then. The zero time leaves out nothing.
	Since time.Time
	// Page bounds what is held in memory. Default 500.
	Page int
	// Heads is how many thumbnails are asked for at once. Default 8.
	Heads int
}

// Audit compares the ledger with itself and with the outside.
type Audit struct {
	opt    Options
	report Report
	emit   func(Finding) error
}

// New makes an Audit for one Run.
func New(opt Options) (*Audit, error) {
	if opt.Ledger == nil {
		return nil, errors.New("audit: no ledger")
	}
	if opt.Page <= 0 {
		opt.Page = 500
	}
	if opt.Heads <= 0 {
		opt.Heads = 8
	}
	return &Audit{opt: opt}, nil
}

// Run audits and calls emit for each finding as it comes. The report holds where nothing
// was found. An error says what could not be read; then the report is not whole.
func (a *Audit) Run(ctx context.Context, emit func(Finding) error) (Report, error) {
	a.emit = emit
	a.report = Report{Findings: map[Kind]int{}}
	for _, part := range []func(context.Context) error{a.books, a.gaps, a.orders, a.thumbnails, a.waiting, a.tasks} {
		if err := part(ctx); err != nil {
			return a.report, err
		}
	}
	a.report.Holds = len(a.report.Findings) == 0
	return a.report, nil
}

func (a *Audit) found(f Finding) error {
	a.report.Findings[f.Kind]++
	return a.emit(f)
}
