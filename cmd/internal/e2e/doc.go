// Package e2e holds the end-to-end tests: processes of afterput over a dev world whose
// bucket, orders and receiver of webhooks live in the test, on a real Redis where the
// test is about Redis. It has no code of its own.
//
// A test uploads as phones do, breaks something in the middle, and judges from outside:
// the orders table, the bucket, the webhooks that arrived and the ledger's rows.
package e2e
