package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/demo"
)

func (a *app) demoCmd() *cobra.Command {
	var opt demo.Options
	var verify, clean bool
	cmd := &cobra.Command{
		Use: "demo", GroupID: "run", Short: "Do the main job once, end to end, and count", Args: cobra.NoArgs,
		Long: `Starts a dev world on free loopback ports, uploads photos by signed requests, lets events
arrive doubled, out of order and sometimes not at all, adds files that must be refused,
runs the whole line and prints a report. What was sent is kept in DIR/sent.jsonl; the
outcomes are read back from the orders database and the bucket.

Exit code 0 only when sent = done + rejected + dead + discarded, nothing is in flight and
every order holds its files in the chosen order; else 3.

` + demoServersHelp,
		Example: "  afterput demo\n  afterput demo --photos ~/Pictures --count 30\n  afterput demo --dir /tmp/d -o json\n  afterput demo --verify --dir /tmp/d\n" +
			"  AFTERPUT_DATABASE_URL_FILE=db.url AFTERPUT_REDIS_URL=redis://127.0.0.1:6379/1 afterput demo",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.printer()
			if err != nil {
				return err
			}
			if opt.Servers, err = a.demoServers(); err != nil {
				return err
			}
			if (clean || opt.Keep) && !opt.Servers.Used() {
				return failf(exitUsage, "usage", "the embedded world is kept in --dir and nowhere else",
					"--keep and --clean are for servers: set AFTERPUT_DATABASE_URL or AFTERPUT_REDIS_URL")
			}
			if clean {
				return demoError(demo.Clean(cmd.Context(), opt))
			}
			if opt.Dir == "" {
				if verify {
					return failf(exitUsage, "usage", "afterput demo --verify --dir DIR", "--verify needs the --dir of a demo that ran")
				}
				if opt.Dir, err = os.MkdirTemp("", "afterput-demo-"); err != nil {
					return err
				}
			}
			if opt.Logger, err = a.demoLogger(); err != nil {
				return err
			}
			opt.Say = a.say
			done := a.progress(&opt)
			run := demo.Run
			if verify {
				run = demo.Verify
			}
			rep, err := run(cmd.Context(), opt)
			done()
			if err != nil {
				return demoError(err)
			}
			return a.demoReport(p, rep)
		},
	}
	cmd.Flags().StringVar(&opt.Dir, "dir", "", "empty folder for everything (default a temporary one, which is kept)")
	cmd.Flags().StringVar(&opt.Photos, "photos", "", "folder of photos (default rendered ones)")
	cmd.Flags().IntVar(&opt.Count, "count", 0, "how many photos (default 60, or all of the folder)")
	cmd.Flags().BoolVar(&verify, "verify", false, "only judge the demo that ran in --dir")
	cmd.Flags().BoolVar(&opt.Keep, "keep", false, "leave what was made on servers, to look around")
	cmd.Flags().BoolVar(&clean, "clean", false, "only remove what a demo left on servers")
	cmd.MarkFlagsMutuallyExclusive("verify", "keep", "clean")
	return cmd
}

// demoLogger is silent unless somebody asks: the report is the point.
func (a *app) demoLogger() (*slog.Logger, error) {
	if !a.verbose && a.logLevel == "" && a.logFormat == "" {
		return slog.New(slog.NewTextHandler(io.Discard, nil)), nil
	}
	return a.logger(config.Default().Log)
}

// progress shows one counting line on a terminal.
func (a *app) progress(opt *demo.Options) (done func()) {
	if a.quiet || !isTerminal(a.stderr) {
		return func() {}
	}
	var mu sync.Mutex
	open := false
	opt.Progress = func(what string, n, total int) {
		mu.Lock()
		defer mu.Unlock()
		open = true
		_, _ = fmt.Fprintf(a.stderr, "\r%-12s %4d / %-4d", what, n, total)
	}
	return func() {
		if open {
			_, _ = fmt.Fprintln(a.stderr)
		}
	}
}

func (a *app) demoReport(p *printer.Printer, rep *demo.Report) error {
	var err error
	if p.Machine() {
		err = p.Object("afterput.demo.v1", rep)
	} else {
		err = rep.Print(a.stdout, printer.Escape)
	}
	if err != nil {
		return err
	}
	a.say("kept in %s", rep.Dir)
	if !rep.Holds {
		return failf(exitPartial, "does_not_hold", "", "the demo does not add up: %d problems", len(rep.Problems))
	}
	return nil
}
