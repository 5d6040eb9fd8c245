package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

// letterFlags are the filters that the commands over dead letters share.
type letterFlags struct {
	ids                                       []int64
	groups, classes, steps, queues            []string
	match, order, owner, prefix, since, until string
	minAttempts                               int
}

func (f *letterFlags) register(a *app, cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.Int64SliceVar(&f.ids, "id", nil, "letters by ID")
	fs.StringSliceVar(&f.groups, "group", nil, "groups, as dead groups names them")
	fs.StringSliceVar(&f.classes, "class", nil, "error classes, such as denied,missing")
	fs.StringSliceVar(&f.steps, "step", nil, "steps: check, thumbnail, attach, warm, notify")
	fs.StringSliceVar(&f.queues, "queue", nil, "queues: checks, thumbnails, orders, urls, hooks")
	fs.StringVar(&f.match, "match", "", "regular expression for the message")
	fs.StringVar(&f.order, "order", "", "order of the letter or of its upload")
	fs.StringVar(&f.owner, "owner", "", "owner of the upload")
	fs.StringVar(&f.prefix, "prefix", "", "first letters of the key")
	fs.StringVar(&f.since, "since", "", "died since: 2h, 3d or an RFC 3339 time")
	fs.StringVar(&f.until, "until", "", "died before: 30m, 1d or an RFC 3339 time")
	fs.IntVar(&f.minAttempts, "min-attempts", 0, "at least so many attempts")
	_ = cmd.RegisterFlagCompletionFunc("group", a.completeGroups())
	for name, values := range map[string][]string{"class": classNames(), "step": stepNames(), "queue": tasks.Queues()} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
}

// none tells that no filter narrows anything.
func (f *letterFlags) none() bool {
	return len(f.ids)+len(f.groups)+len(f.classes)+len(f.steps)+len(f.queues)+f.minAttempts == 0 &&
		f.match+f.order+f.owner+f.prefix+f.since+f.until == ""
}

// filter reads the flags. now is what --since 2h counts from.
func (f *letterFlags) filter(now time.Time) (ledger.LetterFilter, error) {
	out := ledger.LetterFilter{
		IDs: f.ids, Groups: f.groups, Order: f.order, Owner: f.owner, Prefix: f.prefix, MinAttempts: f.minAttempts,
	}
	var err error
	if out.Match, err = expression(f.match); err != nil {
		return out, err
	}
	for _, class := range f.classes {
		if err := oneOf("class", class, classNames()); err != nil {
			return out, err
		}
		out.Classes = append(out.Classes, pipeline.Class(class))
	}
	if out.Steps, err = f.stepsOf(); err != nil {
		return out, err
	}
	if out.Since, err = timeFlag("since", f.since, now); err != nil {
		return out, err
	}
	out.Until, err = timeFlag("until", f.until, now)
	return out, err
}

// stepsOf joins --step and --queue: a queue stands for its steps.
func (f *letterFlags) stepsOf() ([]pipeline.Step, error) {
	var steps []pipeline.Step
	for _, step := range f.steps {
		if err := oneOf("step", step, stepNames()); err != nil {
			return nil, err
		}
		steps = append(steps, pipeline.Step(step))
	}
	for _, queue := range f.queues {
		if err := oneOf("queue", queue, tasks.Queues()); err != nil {
			return nil, err
		}
		for _, step := range stepNames() {
			if tasks.QueueOf(pipeline.Step(step)) == queue {
				steps = append(steps, pipeline.Step(step))
			}
		}
	}
	return steps, nil
}

func expression(s string) (*regexp.Regexp, error) {
	if s == "" {
		return nil, nil
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, failf(exitUsage, "usage", "", "--match: %w", err)
	}
	return re, nil
}

func oneOf(flag, value string, known []string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return failf(exitUsage, "usage", "", "--%s %q: want some of %s", flag, value, strings.Join(known, ", "))
}

func classNames() []string {
	var names []string
	for _, c := range pipeline.Classes() {
		names = append(names, string(c))
	}
	return names
}

func stepNames() []string {
	var names []string
	for _, s := range []pipeline.Step{
		pipeline.StepCheck, pipeline.StepThumbnail, pipeline.StepAttach, pipeline.StepWarm, pipeline.StepNotify,
	} {
		names = append(names, string(s))
	}
	return names
}

// timeFlag reads a time, or how long ago it was: 90s, 2h, 3d.
func timeFlag(flag, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	if days, err := strconv.Atoi(strings.TrimSuffix(s, "d")); err == nil && strings.HasSuffix(s, "d") && days >= 0 {
		return now.AddDate(0, 0, -days), nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, failf(exitUsage, "usage", "", "--%s %q: want 2h, 3d or 2026-11-21T03:00:00Z", flag, s)
}

// words are the filter flags as they were given, for the audit trail.
func words(cmd *cobra.Command, args []string) string {
	out := slices.Clone(args)
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Changed && f.Name != "note" && f.Name != "yes" {
			out = append(out, fmt.Sprintf("--%s=%s", f.Name, f.Value))
		}
	})
	return strings.Join(out, " ")
}

func registerState(cmd *cobra.Command, state *string) {
	states := []string{"open", "replayed", "resolved", "discarded", "all"}
	cmd.Flags().StringVar(state, "state", "open", "open, replayed, resolved, discarded or all")
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(states, cobra.ShellCompDirectiveNoFileComp))
}

func registerOrderBy(cmd *cobra.Command, orderBy *string) {
	cmd.Flags().StringVar(orderBy, "order-by", "oldest", "oldest or newest first, by ID")
	_ = cmd.RegisterFlagCompletionFunc("order-by", cobra.FixedCompletions([]string{"oldest", "newest"}, cobra.ShellCompDirectiveNoFileComp))
}

// newest reads --order-by.
func newest(s string) (bool, error) {
	switch s {
	case "oldest", "newest":
		return s == "newest", nil
	}
	return false, failf(exitUsage, "usage", "", "--order-by %q: want oldest or newest", s)
}

// stateFlag reads --state.
func stateFlag(s string) (pipeline.LetterState, error) {
	switch state := pipeline.LetterState(s); state {
	case "all":
		return "", nil
	case pipeline.LetterOpen, pipeline.LetterReplayed, pipeline.LetterResolved, pipeline.LetterDiscarded:
		return state, nil
	}
	return "", failf(exitUsage, "usage", "", "--state %q: want open, replayed, resolved, discarded or all", s)
}
