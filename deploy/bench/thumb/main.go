package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench-thumb:", err)
		stop()
		os.Exit(1)
	}
}

type options struct {
	afterput, sharp, dir, photos string
	rounds, repeat               int
	only                         string
	sheets                       bool
}

// run exits with an error where a measurement failed or a target that must be met is not.
func run(ctx context.Context, args []string) error {
	var o options
	flags := flag.NewFlagSet("thumb", flag.ContinueOnError)
	flags.StringVar(&o.afterput, "afterput", "bin/afterput", "the binary to measure")
	flags.StringVar(&o.sharp, "sharp", "bin/bench/sharp.mjs", "the script of the other side, beside its node_modules")
	flags.StringVar(&o.dir, "dir", "bin/bench", "where images and outputs are kept")
	flags.StringVar(&o.photos, "photos", "", "a folder of JPEGs to take instead of generated photos")
	flags.StringVar(&o.only, "only", "", "measure what begins with this only: E5, Q")
	flags.BoolVar(&o.sheets, "sheets", false, "write pictures to look at, side by side, and measure nothing")
	flags.IntVar(&o.rounds, "rounds", 7, "how often each measurement is taken")
	flags.IntVar(&o.repeat, "repeat", 20, "images per process, one of them the warm-up")
	if err := flags.Parse(args); err != nil {
		return err
	}
	corpus, err := prepare(ctx, o)
	if err != nil {
		return err
	}
	if o.sheets {
		return sheets(ctx, corpus, o)
	}
	missed := 0
	table := newTable(os.Stdout)
	for _, race := range races(corpus, o) {
		if !race.chosen(o.only) {
			continue
		}
		result, err := race.run(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: %w", race.id, err)
		}
		missed += table.race(result)
	}
	for _, check := range qualities(corpus, o) {
		if !check.chosen(o.only) {
			continue
		}
		rows, err := check.run(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", check.id, err)
		}
		missed += table.quality(rows)
	}
	if missed > 0 {
		return fmt.Errorf("%d targets are missed", missed)
	}
	return nil
}
