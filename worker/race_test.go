//go:build race

package worker

// raced says that the race detector is on, which makes the databases many times slower.
const raced = true
