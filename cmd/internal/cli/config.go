package cli

import (
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/config"
)

func (a *app) configCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", GroupID: "check", Short: "Make, validate and show the configuration",
		Example: "  afterput config init > afterput.yaml\n  afterput config validate\n  afterput config show --origin\n  afterput config env",
	}
	cmd.AddCommand(a.configInitCmd(), a.configValidateCmd(), a.configShowCmd(), a.configSchemaCmd(), a.configEnvCmd())
	return cmd
}

func (a *app) configInitCmd() *cobra.Command {
	return &cobra.Command{
		Use: "init [FILE]", Short: "Write a commented configuration with every key at its default", Args: cobra.MaximumNArgs(1),
		Long:    "Writes to FILE, which must not exist yet, or to stdout.",
		Example: "  afterput config init afterput.yaml",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				_, err := fmt.Fprint(a.stdout, config.Sample())
				return err
			}
			f, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if os.IsExist(err) {
				return failf(exitConflict, "exists", "choose another name or delete it", "%s exists already", args[0])
			}
			if err != nil {
				return err
			}
			if _, err := f.WriteString(config.Sample()); err != nil {
				_ = f.Close()
				return err
			}
			a.say("wrote %s", args[0])
			return f.Close()
		},
	}
}

func (a *app) configValidateCmd() *cobra.Command {
	var role string
	cmd := &cobra.Command{
		Use: "validate", Short: "Tell everything that is wrong with the configuration", Args: cobra.NoArgs,
		Long:    "Exit code 10 when something is wrong; each line says where, which key, why and what to do.",
		Example: "  afterput config validate\n  afterput config validate --for worker",
		RunE: func(*cobra.Command, []string) error {
			cfg, _, err := a.load()
			if err != nil {
				return err
			}
			switch role {
			case "serve":
				err = cfg.RequireServe()
			case "worker":
				err = cfg.RequireWorker()
			case "":
			default:
				err = failf(exitUsage, "usage", "", "--for %q: want serve or worker", role)
			}
			if err != nil {
				return err
			}
			from := "defaults and environment only: there is no " + config.FileName
			if path := a.configFile(); path != "" {
				from = path
			}
			a.say("the configuration is valid (%s)", from)
			return nil
		},
	}
	cmd.Flags().StringVar(&role, "for", "", "also check what serve or worker needs")
	return cmd
}

func (a *app) configShowCmd() *cobra.Command {
	var origin bool
	cmd := &cobra.Command{
		Use: "show", Short: "Show the configuration in force, secrets redacted", Args: cobra.NoArgs,
		Example: "  afterput config show --origin\n  afterput config show -o json",
		RunE: func(*cobra.Command, []string) error {
			cfg, _, err := a.load()
			if err != nil {
				return err
			}
			p, err := a.printer()
			if err != nil {
				return err
			}
			if !p.Machine() {
				_, err = fmt.Fprint(a.stdout, config.Render(cfg, origin))
				return err
			}
			rows := [][]any{}
			for _, e := range cfg.Entries() {
				value := e.Value
				if text, err := strconv.Unquote(value); err == nil {
					value = text // YAML quotes are for YAML
				}
				rows = append(rows, []any{e.Key, value, e.Origin, e.Env})
			}
			return p.Table("afterput.config.v1", []printer.Column{{Key: "key"}, {Key: "value"}, {Key: "origin"}, {Key: "env"}}, rows)
		},
	}
	cmd.Flags().BoolVar(&origin, "origin", false, "say where each value came from")
	return cmd
}

func (a *app) configSchemaCmd() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of the configuration file", Args: cobra.NoArgs,
		Long: "For editors and for checks before a deployment. It knows the names and types of all keys;\n" +
			"afterput config validate knows more.",
		Example: "  afterput config schema > afterput.schema.json",
		RunE: func(*cobra.Command, []string) error {
			schema, err := config.Schema()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "%s\n", schema)
			return err
		},
	}
}

func (a *app) configEnvCmd() *cobra.Command {
	return &cobra.Command{
		Use: "env", Short: "List the environment variable of every key", Args: cobra.NoArgs,
		Long: "The elements of lists are numbered from 0. A secret may also be in a file: set the variable\n" +
			"with _FILE at its end to its path.",
		Example: "  afterput config env\n  afterput config env -o json",
		RunE: func(*cobra.Command, []string) error {
			p, err := a.printer()
			if err != nil {
				return err
			}
			rows := [][]any{}
			for _, v := range config.Variables() {
				value := v.Default
				if text, err := strconv.Unquote(value); err == nil {
					value = text
				}
				rows = append(rows, []any{v.Name, v.Key, value, v.Secret})
			}
			return p.Table("afterput.config.env.v1", []printer.Column{{Key: "name"}, {Key: "key"}, {Key: "default"}, {Key: "secret"}}, rows)
		},
	}
}
