// Command testcount reads the output of go test -json and prints it for people: a line
// per package, the output of what failed, why something was skipped, and at the very
// end one plain line: N passed, N failed, N skipped. It exits with 1 when anything
// failed or nothing ran.
//
//	go test -json ./... | go run ./deploy/tools/testcount
package main

import (
	"fmt"
	"os"
)

func main() {
	c := newCounter(os.Stdout)
	if err := c.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testcount:", err)
		os.Exit(1)
	}
	if !c.finish() {
		os.Exit(1)
	}
}
