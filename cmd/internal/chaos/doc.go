// Package chaos is the battery: it breaks a running afterput in every way that its rows
// name and counts afterwards what was lost.
//
// The generator is the oracle, never the system. It writes each file that it is about to
// send to sent.jsonl, synced, before it sends it; the judge counts afterwards from outside,
// by SQL on the two databases, by the bucket's listing and by the webhooks that came in,
// and leaves what it saw beside sent.jsonl, so that anyone can count again.
//
// Each run has a world of its own on loopback: a redis-server with an append-only file
// behind a proxy that can cut the line, or a master and a replica under three sentinels;
// ledger and orders in SQLite, or on a PostgreSQL or MariaDB behind a line that can be cut in
// the middle of a COMMIT; the COS server of the dev world with its faults; and real processes
// of a binary that is built with the tag chaos. The servers come from the starters of the
// tests (tasks/redistest, pipeline/sqldb/sqldbtest). A row fails when a
// count is not zero, and also when its fault never fired. A control row switches a
// protection off: it passes when the counts fail.
package chaos
