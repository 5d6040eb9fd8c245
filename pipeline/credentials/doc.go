// Package credentials gets keys of COS from a program: the temporary keys of an instance
// role, of a vault, or of whatever else a deployment has.
//
// Process runs the program without a shell, keeps what it printed until shortly before it
// ends, and asks once for everybody who waits. It imports pipeline and qsign. Keys enter by
// the standard output of the program and leave by Process.Key; they stand in no error.
package credentials
