// Command chaos runs the battery against a binary of afterput that is built with the tag
// chaos: make chaos and make chaos-long call it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/redis/go-redis/v9/logging"

	"github.com/afterput/afterput/cmd/internal/chaos"
)

func main() { os.Exit(run()) }

func run() int {
	var (
		opt  chaos.Options
		rows string
	)
	flag.StringVar(&opt.Binary, "binary", "bin/afterput-chaos", "afterput, built with the tag chaos")
	flag.StringVar(&opt.Dir, "dir", "", "folder that keeps what was sent and counted; a temporary one is removed if all passed")
	flag.StringVar(&rows, "rows", "", "rows to run, by comma; empty is all of the form")
	flag.StringVar(&opt.On.Ledger, "ledger", "", "engine of ledger and orders: sqlite, postgres or mariadb; empty leaves it to the rows")
	flag.StringVar(&opt.On.Redis, "redis", "", "shape of Redis: plain or sentinel; empty leaves it to the rows")
	flag.BoolVar(&opt.Long, "long", false, "the long form: every row")
	flag.IntVar(&opt.Seeds, "seeds", 0, "runs of each row; 0 is 1, or 3 in the long form")
	flag.IntVar(&opt.Files, "n", 0, "files of each run; 0 is the row's own number")
	flag.IntVar(&opt.Parallel, "parallel", 1, "runs at once")
	flag.Parse()
	if rows != "" {
		opt.Rows = strings.Split(rows, ",")
	}
	logging.Disable() // the battery's own client says what sentinels do
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	failed, err := battery(ctx, opt)
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 2
	}
	if failed > 0 {
		return 1
	}
	return 0
}

func battery(ctx context.Context, opt chaos.Options) (failed int, err error) {
	opt.Progress = os.Stderr
	if opt.Binary, err = filepath.Abs(opt.Binary); err != nil {
		return 0, err
	}
	temporary := opt.Dir == ""
	if temporary {
		if opt.Dir, err = os.MkdirTemp("", "afterput-chaos-"); err != nil {
			return 0, err
		}
	}
	results, err := chaos.Run(ctx, opt)
	if err != nil {
		return 0, err
	}
	passed, failed, err := chaos.Table(os.Stdout, results)
	switch {
	case temporary && failed == 0:
		_ = os.RemoveAll(opt.Dir)
	default:
		fmt.Fprintln(os.Stderr, "what was sent and counted is in", opt.Dir)
	}
	fmt.Fprintf(os.Stdout, "%d passed, %d failed\n", passed, failed)
	return failed, err
}
