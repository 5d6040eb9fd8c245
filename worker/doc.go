// Package worker runs the steps: asynq servers, one for each pool, and around them the
// verdict, the sweep and the recovery.
//
// asynq only carries tasks. Whether a run may start, how often it may fail and when it
// dies is decided here from the ledger, and a dead letter is committed before asynq is
// told to archive the task: its archive is a view that it trims by itself. The sweep
// queues again whatever Redis lost, and the recovery takes back the tasks of a worker
// that vanished.
//
// A task enters as a tasks.Job, becomes an attempt in the ledger, is handed to a step
// of the package pipeline, and leaves as a finished step, a retry or a letter.
package worker
