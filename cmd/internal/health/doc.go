// Package health tells probes whether a process is ready, with a reason for each part that
// is not as it should be.
//
// A Check looks at one part. Checks run beside each other within a deadline, and their
// findings are kept for a second, so that no number of probes asks a part more often.
package health
