package cli

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/time/rate"

	"github.com/afterput/afterput/producer/reconcile"
)

// reconcileFlags are the flags of reconcile as they were given.
type reconcileFlags struct {
	plan         reconcile.Plan
	ctl          reconcile.Controls
	modes        []string
	since, until string
	rate         string
	dryRun       bool
}

func (f *reconcileFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.plan.Bucket, "bucket", "", "full name of the bucket (default the first one configured)")
	flags.StringVar(&f.plan.Prefix, "prefix", "", "only keys that begin with it")
	flags.StringSliceVar(&f.modes, "mode", []string{"all"}, "missing, orphans, stale, unattached, thumbnails or all")
	flags.StringVar(&f.since, "since", "", "only objects modified since then: 24h ago, or an RFC 3339 time")
	flags.StringVar(&f.until, "until", "", "only objects modified until then: 1h ago, or an RFC 3339 time")
	flags.DurationVar(&f.plan.MinAge, "min-age", reconcile.DefaultMinAge, "leave alone what changed so recently: its event may be on its way")
	flags.DurationVar(&f.plan.OlderThan, "older-than", reconcile.DefaultOlderThan, "how old a link is before it counts as unattached")
	flags.BoolVar(&f.plan.Apply, "apply", false, "heal what is found")
	flags.BoolVar(&f.dryRun, "dry-run", false, "only tell what is found (the default)")
	flags.StringVar(&f.rate, "rate", "50/s", "heal at most so many: 50/s, 600/m, or 0 for no bound")
	flags.Int64Var(&f.ctl.Limit, "limit", 0, "stop after so many findings; 0 for all")
	flags.StringVar(&f.ctl.Checkpoint, "checkpoint", "", "file that a run which was cut short goes on from")
	_ = cmd.RegisterFlagCompletionFunc("mode", cobra.FixedCompletions(reconcileModes(), cobra.ShellCompDirectiveNoFileComp))
}

func reconcileModes() []string {
	return []string{"missing", "orphans", "stale", "unattached", "thumbnails", "all"}
}

func (f *reconcileFlags) parse(now time.Time) (plan reconcile.Plan, ctl reconcile.Controls, err error) {
	bad := func(format string, args ...any) (reconcile.Plan, reconcile.Controls, error) {
		return plan, ctl, failf(exitUsage, "usage", "see afterput reconcile --help", format, args...)
	}
	plan, ctl = f.plan, f.ctl
	if plan.Apply && f.dryRun {
		return bad("--apply and --dry-run: want one of them")
	}
	if ctl.Limit < 0 {
		return bad("--limit %d: want 0 or more", ctl.Limit)
	}
	if plan.MinAge < 0 || plan.OlderThan < 0 {
		return bad("--min-age and --older-than: want 0s or more")
	}
	plan.MinAge, plan.OlderThan = orNone(plan.MinAge), orNone(plan.OlderThan)
	for _, mode := range f.modes {
		kind := reconcile.Kind(strings.TrimSuffix(mode, "s"))
		switch {
		case mode == "all":
			plan.Kinds = reconcile.Kinds()
		case mode == "thumbnails":
			plan.Kinds = append(plan.Kinds, reconcile.Thumbnails)
		case !slices.Contains(reconcileModes(), mode):
			return bad("--mode %q: want some of %s", mode, strings.Join(reconcileModes(), ", "))
		default:
			plan.Kinds = append(plan.Kinds, kind)
		}
	}
	slices.Sort(plan.Kinds)
	plan.Kinds = slices.Compact(plan.Kinds)
	// A run that goes on means the same times as when it began.
	if ctl.Checkpoint != "" {
		c, err := reconcile.ReadCheckpoint(ctl.Checkpoint)
		if err != nil {
			return bad("--checkpoint: %w", err)
		}
		if c != nil {
			now = c.AskedAt
		}
	}
	ctl.AskedAt = now
	if plan.Since, err = moment(f.since, now); err != nil {
		return bad("--since %q: want a duration such as 24h or an RFC 3339 time", f.since)
	}
	if plan.Until, err = moment(f.until, now); err != nil {
		return bad("--until %q: want a duration such as 1h or an RFC 3339 time", f.until)
	}
	if ctl.Rate, err = perSecond(f.rate); err != nil {
		return bad("--rate %q: want a number with /s, /m or /h, such as 50/s", f.rate)
	}
	return plan, ctl, nil
}

// orNone is how a Plan says none: its zero is the default.
func orNone(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// moment reads a time, or how long ago it was.
func moment(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return now.Add(-d), nil
	}
	return time.Parse(time.RFC3339, s)
}

// perSecond reads 50/s, 600/m or 50, which is by the second.
func perSecond(s string) (rate.Limit, error) {
	number, unit, _ := strings.Cut(s, "/")
	n, err := strconv.ParseFloat(number, 64)
	per, ok := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[unit]
	if err != nil || !ok || n < 0 {
		return 0, strconv.ErrSyntax
	}
	return rate.Limit(n / per), nil
}
