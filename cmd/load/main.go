// Command load announces uploads at half of what the machine can take, with Redis
// standing still in the middle, and counts what was lost: make load calls it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/afterput/afterput/cmd/internal/chaos"
)

func main() { os.Exit(run()) }

func run() int {
	opt := chaos.LoadOptions{Progress: os.Stderr}
	flag.StringVar(&opt.Binary, "binary", "bin/afterput", "afterput")
	flag.StringVar(&opt.Dir, "dir", "", "folder for databases and logs, emptied first (required)")
	flag.DurationVar(&opt.Ramp, "ramp", 10*time.Second, "how long to look for what the machine can take")
	flag.DurationVar(&opt.For, "for", 2*time.Minute, "how long to announce at half of that")
	flag.DurationVar(&opt.Stop, "stop", 20*time.Second, "how long Redis stands still in the middle")
	flag.DurationVar(&opt.Settle, "settle", 10*time.Minute, "how long the worker may take afterwards")
	flag.Parse()
	if opt.Dir == "" || flag.NArg() > 0 {
		flag.Usage()
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	broken, err := load(ctx, opt)
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		return 2
	}
	for _, b := range broken {
		fmt.Fprintln(os.Stdout, "FAIL:", b)
	}
	if len(broken) > 0 {
		return 1
	}
	fmt.Fprintln(os.Stdout, "passed")
	return 0
}

func load(ctx context.Context, opt chaos.LoadOptions) (broken []string, err error) {
	if opt.Binary, err = filepath.Abs(opt.Binary); err != nil {
		return nil, err
	}
	r, err := chaos.Load(ctx, opt)
	if err != nil {
		return nil, err
	}
	return r.Broken(), r.Print(os.Stdout)
}
