// Package ledgertest is the conformance suite of the ledger: every SQL engine runs it.
// It may be imported by tests only.
package ledgertest
