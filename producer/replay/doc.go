// Package replay gives dead letters a fresh budget, or gives up on them: one by one, or
// all that pass a filter, at a rate. The command line calls it, and the console will: one
// implementation for both.
package replay
