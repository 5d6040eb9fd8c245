// Package orders writes fileIDs into the orders of the business.
//
// SQL is the store for orders that are rows of a table of PostgreSQL, MySQL, MariaDB or
// SQLite, with one column that holds an array of fileIDs: a text[], or JSON. It never
// takes a lock across two calls: an order is read, merged by the caller
// (pipeline.MergeOrder) and written by one short transaction that locks the row, compares
// it with the very array and owner that were read, and writes. So a business that writes
// at the same time is never overwritten.
//
// The names of the table and its columns are the business's own. What its columns are is
// asked at each write, so that a table may change while we run.
//
// Documents is the store for orders that are documents of a CloudBase environment. It has no
// locks: the one update that writes finds the document only if owner, array and a version
// field are still as they were read.
//
// Orders enter as pipeline.Order and leave as one update. The package imports pipeline and
// its leaf cloudbase, the standard library and the errors of go-sql-driver/mysql; the caller
// opens the database. What every store has to do is checked by the suite in orderstest.
package orders
