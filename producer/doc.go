// Package producer takes announcements in and puts tasks out: Accept, and the HTTP API
// over it.
//
// Accept commits to the ledger before it enqueues. When it has answered, the upload
// will be processed whatever Redis does; when the ledger cannot take it, the caller is
// told so (503) and keeps it.
package producer
