// Package audit counts whether anything was lost. The equation
//
//	announced = done + rejected + dead + discarded + gone + in flight
//
// is counted term by term, and the ledger is compared with itself, with the orders, with
// the thumbnails in the bucket and with the queue. Every row that does not add up is a
// Finding. An audit writes nothing and reads in bounded pages.
//
// The package imports pipeline, its ledger and tasks. It reads the outside through the
// small interfaces of Options; findings leave through the function given to Run.
package audit
