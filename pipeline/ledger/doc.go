// Package ledger is the record of afterput in SQL: uploads, the state of their steps,
// attempts, links to orders and dead letters. Redis is only the engine; whatever it
// loses is queued again from here.
//
// Each method is one transaction. A step's gen numbers the wishes to run it and rises
// with every new wish; a run whose gen is not the newest changes nothing
// (ErrSuperseded), and so does an attempt that another one has replaced. A wish for a
// step that has not started is the same wish.
//
// The method that ends the last open step of an upload fixes its outcome and wishes
// for notify in the same transaction. Methods give back the wishes that they made, for
// the caller to enqueue after the commit; a wish that is never enqueued is found by
// Due, which the sweep reads.
package ledger
