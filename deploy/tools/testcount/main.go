// Command testcount reads the output of go test -json and prints it for people: a line
// per package, the output of what failed, why something was skipped, a table of the tests
// that passed by package and back end (databases, object stores, shapes of Redis), and at
// the very end one plain line: N passed, N failed, N skipped. It exits with 1 when anything
// failed or nothing ran. Where AFTERPUT_TEST_REQUIRE is set, a cell of the table that should
// hold tests and has none that passed is a failure too.
//
//	go test -json ./... | go run ./deploy/tools/testcount
package main

import (
	"fmt"
	"os"
)

func main() {
	c := newCounter(os.Stdout)
	c.strict = os.Getenv("AFTERPUT_TEST_REQUIRE") != ""
	if err := c.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testcount:", err)
		os.Exit(1)
	}
	if !c.finish() {
		os.Exit(1)
	}
}
