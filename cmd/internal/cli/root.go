package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
)

// app is what commands share: the process's streams and the global flags.
type app struct {
	environ        []string
	stdin          io.Reader
	stdout, stderr io.Writer

	configPath string
	output     string
	fields     []string
	noHeaders  bool
	timeFormat string
	quiet      bool
	verbose    bool
	logFormat  string
	logLevel   string
}

// Main runs one command line and gives its exit code. The streams and the environment
// are the caller's, so that tests can run it in process.
func Main(args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	redis.SetLogger(silent{})
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		select {
		case <-signals:
			cancel(errInterrupted)
			signal.Stop(signals) // a second signal ends the process at once
		case <-ctx.Done():
		}
	}()
	return run(ctx, args, environ, stdin, stdout, stderr)
}

// silent keeps go-redis from writing lines of its own to the process's stderr: what
// fails comes back as an error and is logged by whoever asked.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func run(ctx context.Context, args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{environ: environ, stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.root() //nolint:contextcheck // commands get theirs from ExecuteContext
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	f := explainError(ctx, err)
	format, ferr := printer.ParseFormat(a.output, false)
	if ferr != nil {
		format = printer.Plain
	}
	if perr := printer.New(stderr, format, printer.Options{}).Error(f); perr != nil {
		_, _ = fmt.Fprintln(stderr, f.Message)
	}
	return f.ExitCode
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "afterput",
		Short: "The background pipeline behind direct uploads to Tencent COS and CloudBase",
		Long: `afterput is what happens after the PUT: it takes upload-complete signals, checks the
file, makes thumbnails, writes the fileID into the order, warms the cache of public
URLs and tells whoever subscribed, with retries and dead letters.

Begin with "afterput demo" (runs once, needs nothing) or "afterput dev" (stays up).`,
		SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.flagsFromEnv(cmd) },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(usage)
	root.CompletionOptions.HiddenDefaultCmd = false
	pf := root.PersistentFlags()
	pf.StringVarP(&a.configPath, "config", "c", "", "configuration file (default ./afterput.yaml, else ./.afterput/afterput.yaml of dev)")
	pf.StringVarP(&a.output, "output", "o", "", "table, json, jsonl or plain (default table on a terminal, else plain)")
	pf.StringSliceVar(&a.fields, "fields", nil, "columns to print, in this order")
	pf.BoolVar(&a.noHeaders, "no-headers", false, "leave the header line out")
	pf.StringVar(&a.timeFormat, "time-format", "rfc3339", "rfc3339, unix or relative")
	pf.BoolVarP(&a.quiet, "quiet", "q", false, "no progress, only warnings in the log")
	pf.BoolVarP(&a.verbose, "verbose", "v", false, "log everything")
	pf.StringVar(&a.logFormat, "log-format", "", "text or json (default from log.format)")
	pf.StringVar(&a.logLevel, "log-level", "", "debug, info, warn or error (default from log.level)")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(printer.Formats(), cobra.ShellCompDirectiveNoFileComp))

	for _, g := range []struct{ id, title string }{
		{"run", "Run"}, {"put", "Put in"}, {"look", "Look"}, {"dead", "Dead letters"}, {"queues", "Queues"}, {"check", "Check"},
	} {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
	}
	root.AddCommand(a.serveCmd(), a.workerCmd(), a.devCmd(), a.demoCmd(), a.enqueueCmd(), a.reconcileCmd(), a.regenerateCmd(), a.tasksCmd(), a.explainCmd(), a.eraseCmd(), a.pruneCmd(), a.auditCmd(), a.thumbCmd(),
		a.deadCmd(), a.queuesCmd(), a.hooksCmd(), a.doctorCmd(), a.configCmd(), a.ledgerCmd(), a.migrateCmd(), versionCmd(a), thumbChildCmd(a), exitCodesTopic())
	root.InitDefaultHelpCmd()
	strict(root)
	return root
}

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: "Exit codes of every command:\n\n" + exitCodesHelp}
}

// flagsFromEnv gives flags that were not set their AFTERPUT_<FLAG>.
func (a *app) flagsFromEnv(cmd *cobra.Command) (err error) {
	env := map[string]string{}
	for _, kv := range a.environ {
		if k, v, ok := strings.Cut(kv, "="); ok && v != "" {
			env[k] = v
		}
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := "AFTERPUT_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v, ok := env[name]; ok && !f.Changed && err == nil {
			if serr := cmd.Flags().Set(f.Name, v); serr != nil {
				err = failf(exitUsage, "usage", "", "env %s: %w", name, serr)
			}
		}
	})
	return err
}

// devConfig is where dev leaves its configuration by default.
const devConfig = ".afterput/afterput.yaml"

// load reads the configuration and makes the logger.
func (a *app) load() (*config.Config, *slog.Logger, error) {
	cfg, err := config.Load(config.Options{Path: a.configFile(), Environ: a.environ})
	if err != nil {
		return nil, nil, err
	}
	log, err := a.logger(cfg.Log)
	return cfg, log, err
}

// configFile is the file that load reads; empty where there is none.
func (a *app) configFile() string {
	for _, path := range []string{config.FileName, devConfig} {
		if a.configPath == "" && exists(path) {
			return path
		}
	}
	return a.configPath
}

func (a *app) logger(c config.Log) (*slog.Logger, error) {
	name, format := c.Level, c.Format
	if a.logLevel != "" {
		name = a.logLevel
	}
	if a.logFormat != "" {
		format = a.logFormat
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return nil, failf(exitUsage, "usage", "", "--log-level %q: want debug, info, warn or error", name)
	}
	switch {
	case a.verbose:
		level = slog.LevelDebug
	case a.quiet:
		level = max(level, slog.LevelWarn)
	}
	opt := &slog.HandlerOptions{Level: level}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(a.stderr, opt)), nil
	case "text", "":
		return slog.New(slog.NewTextHandler(a.stderr, opt)), nil
	}
	return nil, failf(exitUsage, "usage", "", "--log-format %q: want text or json", format)
}

// with runs fn over the configured world, with the printer of stdout.
func (a *app) with(ctx context.Context, fn func(w *wire.App, p *printer.Printer) error) error {
	p, err := a.printer()
	if err != nil {
		return err
	}
	cfg, log, err := a.load()
	if err != nil {
		return err
	}
	if err := cfg.RequireWorker(); err != nil {
		return err
	}
	w, err := wire.Open(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }()
	return fn(w, p)
}

// printer makes the printer of stdout.
func (a *app) printer() (*printer.Printer, error) {
	format, err := printer.ParseFormat(a.output, isTerminal(a.stdout))
	if err != nil {
		return nil, failf(exitUsage, "usage", "", "%w", err)
	}
	return printer.New(a.stdout, format, printer.Options{NoHeaders: a.noHeaders, Fields: a.fields, Time: a.timeFormat}), nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// say tells a person something, on stderr.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		_, _ = fmt.Fprintf(a.stderr, format+"\n", args...)
	}
}
