package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/doctor"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/orders"
	"github.com/afterput/afterput/pipeline/sqldb"
)

func (a *app) doctorCmd() *cobra.Command {
	var only []string
	var strict bool
	cmd := &cobra.Command{
		Use: "doctor", GroupID: "check", Short: "Check the surroundings, and say how to mend them", Args: cobra.NoArgs,
		Long: `Looks at what the configuration leads to and changes nothing. Each line is ok, warn,
fail or skip, where something could not be looked at. Exit code 21 when something
fails, 20 with --strict when something warns.`,
		Example: "  afterput doctor\n  afterput doctor --only tls --strict -o json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.printer()
			if err != nil {
				return err
			}
			cfg, log, err := a.load()
			if err != nil {
				return err
			}
			checks, err := choose(checks(cfg, log), only)
			if err != nil {
				return err
			}
			return diagnose(p, doctor.Run(cmd.Context(), checks), strict)
		},
	}
	cmd.Flags().StringSliceVar(&only, "only", nil, "names of checks (default all)")
	cmd.Flags().BoolVar(&strict, "strict", false, "exit with 20 when something warns")
	_ = cmd.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(names(checks(config.Default(), slog.Default())), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// checks lists every check over a configuration.
func checks(cfg *config.Config, log *slog.Logger) []doctor.Check {
	certificate := doctor.TLS{Host: cfg.HTTP.PublicHost}
	if cfg.HTTP.TLS.CertFile != "" {
		certificate.Server = func() (*tls.Config, error) { return wire.TLS(cfg.HTTP.TLS, log) }
	}
	var stores doctor.OrderStores
	for _, s := range cfg.Orders.All() {
		_, documents := s.Env()
		stores = append(stores, doctor.Orders{
			Store: s.Name, Table: s.Table, KeyColumn: s.Key(), Documents: documents, OwnerColumn: s.OwnerColumn,
			Inspect: func(ctx context.Context) (orders.Schema, error) { return wire.InspectOrders(ctx, s.OrderTable, cfg) },
		})
	}
	book := doctor.Ledger{Open: func(ctx context.Context) (*sqldb.DB, *ledger.Ledger, error) { return wire.OpenLedger(ctx, cfg) }}
	return []doctor.Check{redisCheck(cfg.Redis), book, certificate, stores}
}

// doctorSoon is how long Redis and each sentinel may take for one answer.
const doctorSoon = 3 * time.Second

func redisCheck(c config.Redis) doctor.Redis {
	at, err := c.Address()
	if c.URL == "" || err != nil { // which the configuration would have been refused for
		return doctor.Redis{}
	}
	check := doctor.Redis{
		Open:   func() (redis.UniversalClient, error) { return wire.Redis(c, doctorSoon) },
		User:   at.URL.User.Username(),
		Master: at.Master,
	}
	if at.Shape == config.RedisSentinels {
		check.Sentinels = func() ([]doctor.Sentinel, error) {
			clients, err := wire.Sentinels(c, doctorSoon)
			list := make([]doctor.Sentinel, len(clients))
			for i, client := range clients {
				list[i] = doctor.Sentinel{Addr: at.Hosts[i], Client: client}
			}
			return list, err
		}
	}
	return check
}

func names(checks []doctor.Check) []string {
	list := make([]string, len(checks))
	for i, c := range checks {
		list[i] = c.Name()
	}
	return list
}

// choose keeps the checks that only names, or all where it names none.
func choose(checks []doctor.Check, only []string) ([]doctor.Check, error) {
	known := names(checks)
	for _, name := range only {
		if !slices.Contains(known, name) {
			return nil, failf(exitUsage, "usage", "", "--only %q: want some of %s", name, strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(checks, func(c doctor.Check) bool { return len(only) > 0 && !slices.Contains(only, c.Name()) }), nil
}

// diagnose prints what was found and decides about the exit code.
func diagnose(p *printer.Printer, results []doctor.Result, strict bool) error {
	s, err := p.Stream("afterput.doctor.v1", []printer.Column{{Key: "level"}, {Key: "check"}, {Key: "what"}, {Key: "mend"}})
	if err != nil {
		return err
	}
	for _, r := range results {
		if err := s.Row(string(r.Level), r.Check, r.What, r.Mend); err != nil {
			return err
		}
	}
	counts := doctor.Count(results)
	summary := make(map[string]any, len(counts))
	for level, n := range counts {
		summary[string(level)] = n
	}
	if err := s.Close(summary); err != nil {
		return err
	}
	said := fmt.Sprintf("%d failed, %d warned", counts[doctor.Fail], counts[doctor.Warn])
	switch {
	case counts[doctor.Fail] > 0:
		return failf(exitUnhealthy, "unhealthy", "the column mend says what to do", "%s", said)
	case counts[doctor.Warn] > 0 && strict:
		return failf(exitWarnings, "warnings", "the column mend says what to do", "%s", said)
	}
	return nil
}
