// Package orders writes fileIDs into the orders of the business.
//
// SQL is the store for orders that are rows of a table with one column that holds a
// JSON array of fileIDs. It never takes a lock across two calls: an order is read,
// merged by the caller (pipeline.MergeOrder) and written by compare-and-set on the
// very text that was read, so that a business that writes at the same time is never
// overwritten.
//
// Orders enter as pipeline.Order and leave as one UPDATE. The package imports pipeline
// and the standard library; the caller opens the database. What every store has to do
// is checked by the suite in orderstest.
package orders
