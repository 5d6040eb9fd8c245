// Package cli is the command line of afterput: one cobra command per file, over wire.
//
// Data goes to stdout, everything else to stderr. A command returns an error; Main
// turns it into one of the documented exit codes.
package cli
