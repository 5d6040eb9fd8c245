package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/regenerate"
)

const regenerateSchema = "afterput.regenerate.v1"

// regenerateFlags are the flags of regenerate as they were given.
type regenerateFlags struct {
	plan    regenerate.Plan
	limit   int
	presets []string
	older   string
	rate    string
	dryRun  bool
}

func (a *app) regenerateCmd() *cobra.Command {
	var f regenerateFlags
	cmd := &cobra.Command{
		Use: "regenerate", GroupID: "put", Short: "Make thumbnails that a new or changed preset lacks", Args: cobra.NoArgs,
		Long: `Looks through the ledger for images without a thumbnail of a preset, or with one that
was made by other parameters than the preset has now, and has workers make those and
no others. Run it after a preset was added or changed and the workers know of it.

What is pending, dead or rejected is left alone. --force makes also what is as it should
be, and tries again what was skipped because nothing could decode it.`,
		Example: "  afterput regenerate --preset card --dry-run\n  afterput regenerate --preset card --rate 20/s\n" +
			"  afterput regenerate --prefix users/oX/ --force",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctl, err := f.parse()
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				return a.regenerate(cmd.Context(), w, p, f, ctl)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.presets, "preset", nil, "only these presets (default all that are configured)")
	flags.StringVar(&f.plan.Bucket, "bucket", "", "only this bucket, by its full name (default all)")
	flags.StringVar(&f.plan.Prefix, "prefix", "", "only originals whose keys begin with it")
	flags.StringVar(&f.older, "older-than", "", "only thumbnails that were made longer ago: 24h, 90d")
	flags.BoolVar(&f.plan.Force, "force", false, "also what is as it should be, and what was skipped")
	flags.BoolVar(&f.dryRun, "dry-run", false, "only tell what is found")
	flags.StringVar(&f.rate, "rate", "0", "take up at most so many images: 20/s, 600/m, or 0 for no bound")
	flags.IntVar(&f.limit, "limit", 0, "stop after so many images; 0 for all")
	return cmd
}

func (f *regenerateFlags) parse() (regenerate.Controls, error) {
	ctl := regenerate.Controls{Limit: f.limit, Who: operator()}
	var err error
	if f.limit < 0 {
		return ctl, failf(exitUsage, "usage", "", "--limit %d: want 0 or more", f.limit)
	}
	if ctl.Rate, err = perSecond(f.rate); err != nil {
		return ctl, failf(exitUsage, "usage", "", "--rate %q: want a number with /s, /m or /h, such as 20/s", f.rate)
	}
	if f.older != "" {
		age, err := parseAge("older-than", f.older)
		if err != nil {
			return ctl, err
		}
		f.plan.OlderThan = time.Now().Add(-age)
	}
	f.plan.Apply = !f.dryRun
	return ctl, nil
}

// unknownPreset gives a preset of the plan that no bucket of it has, or "".
func unknownPreset(w *wire.App, plan regenerate.Plan) string {
	for _, name := range plan.Only {
		if !slices.ContainsFunc(w.Buckets, func(b pipeline.Bucket) bool {
			return (plan.Bucket == "" || plan.Bucket == b.Name) &&
				slices.ContainsFunc(plan.Presets(b.Name), func(p pipeline.Preset) bool { return p.Name == name })
		}) {
			return name
		}
	}
	return ""
}

func (a *app) regenerate(ctx context.Context, w *wire.App, p *printer.Printer, f regenerateFlags, ctl regenerate.Controls) error {
	if _, ok := w.Buckets.ByName(f.plan.Bucket); !ok && f.plan.Bucket != "" {
		return failf(exitUsage, "usage", "", "--bucket %q is not configured", f.plan.Bucket)
	}
	f.plan.Presets, f.plan.Only = w.Presets, f.presets
	if unknown := unknownPreset(w, f.plan); unknown != "" {
		return failf(exitUsage, "usage", "thumbnails.presets names them", "--preset %s is not configured", unknown)
	}
	out, err := p.Stream(regenerateSchema, []printer.Column{{Key: "key"}, {Key: "uploadId", Title: "UPLOAD"}, {Key: "presets"}, {Key: "wished"}})
	if err != nil {
		return err
	}
	ctl.Found = func(one regenerate.Finding) error {
		var presets any = one.Presets
		if !p.Machine() {
			presets = strings.Join(one.Presets, ",")
		}
		return out.Row(one.Key, one.UploadID, presets, one.Wished)
	}
	ctl.Progress = func(r regenerate.Report) {
		a.say("scanned %s  up to date %s  found %s", thousands(r.Scanned), thousands(r.UpToDate), thousands(r.Found))
	}
	r, err := regenerate.Run(ctx, w.Ledger, w.Queue, f.plan, ctl)
	if err != nil {
		return err
	}
	if r.Limited {
		a.say("more: the limit is reached")
	}
	fields, err := reportFields(r)
	if err != nil {
		return err
	}
	return out.Close(fields)
}
