// Package seldom logs lines that repeat themselves: while a database is away every request
// would say so. A line comes at once, then every ten seconds with the number of those in
// between, which are logged at the level debug.
//
// It is a leaf: it imports the standard library only.
package seldom
