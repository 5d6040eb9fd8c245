// Package tasks is the contract between producer and worker: task types, payloads,
// queues, IDs and options, and the enqueuer that both use.
//
// A task is a hint that a run of a step wants to be tried. It carries IDs only, as
// small versioned JSON on one line so that asynqmon shows it. Its ID names the run and
// is unique across all queues, because asynq keys its leases and cancellations by ID
// alone. Tasks never use Retention or Unique: a finished run needs no memory, the
// ledger has it.
package tasks
