// Package retention lets go of what is not needed any more: Prune of rows that are old,
// Eraser of everything that is known of an owner. The command line calls it. It works in
// bounded transactions, and a run that is cut off is continued by the next.
package retention
