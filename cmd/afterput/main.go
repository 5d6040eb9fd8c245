// Command afterput is the background pipeline behind direct uploads to Tencent COS and
// CloudBase storage.
package main

import (
	"os"

	"github.com/afterput/afterput/cmd/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)) }
