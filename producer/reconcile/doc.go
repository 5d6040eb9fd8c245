// Package reconcile compares what lies in a bucket with what the ledger knows, and heals
// the differences: it announces what was never announced and wishes for the steps that
// have to look again. It writes nothing itself, so that healing goes the way of every
// upload.
//
// Listing and ledger come in the order of the keys' UTF-8 bytes and are merged page by
// page: memory does not grow with the bucket. Thumbnails are one more listing per preset.
package reconcile
