package cli

import (
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	path, _ := world(t)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"unknown command":    {[]string{"wrker"}, "did you mean worker?"},
		"unknown subcommand": {[]string{"dead", "replai", "7"}, "did you mean replay?"},
		"unknown flag":       {[]string{"--bogus"}, "unknown flag: --bogus"},
		"argument too many":  {[]string{"serve", "x"}, `unknown command "x"`},
		"argument missing":   {[]string{"explain"}, "accepts 1 arg(s), received 0"},
		"not a number":       {[]string{"explain", "--limit", "x", "k"}, `invalid argument "x" for "--limit"`},
		"output":             {[]string{"version", "-o", "xml"}, "use one of table, json, jsonl, plain"},
		"letter":             {[]string{"dead", "show", "x"}, `"x" is not the ID of a letter`},
		"letter zero":        {[]string{"dead", "replay", "0"}, "afterput dead list shows the IDs"},
		"letter state":       {[]string{"dead", "list", "--state", "x"}, "want open, replayed, resolved, discarded or all"},
		"limit":              {[]string{"dead", "list", "--limit", "0"}, "want at least 1"},
		"field":              {[]string{"dead", "list", "--fields", "x", "-c", path}, `unknown field "x"`},
		"role":               {[]string{"config", "validate", "--for", "x"}, "want serve or worker"},
		"log level":          {[]string{"config", "show", "--log-level", "x"}, "want debug, info, warn or error"},
		"log format":         {[]string{"config", "show", "--log-format", "x"}, "want text or json"},
		"pool":               {[]string{"worker", "--pool", "x", "-c", path}, `there is no pool "x"`},
		"queue":              {[]string{"queues", "pause", "thumbs"}, "want checks, thumbnails, orders, urls, hooks"},
		"pause for":          {[]string{"queues", "pause", "urls", "--for", "soon"}, "want how long, such as 30m"},
		"flags together":     {[]string{"demo", "--keep", "--clean"}, "none of the others can be"},
		"verify":             {[]string{"demo", "--verify"}, "--verify needs the --dir"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := do(t, c.args...)
			require.Equal(t, exitUsage, r.code, r.err)
			require.Contains(t, r.err, c.want)
			require.Empty(t, r.out)

			if name == "output" {
				return
			}
			e := do(t, append([]string{"-o", "jsonl"}, c.args...)...)
			require.Equal(t, exitUsage, e.code)
			require.Equal(t, map[string]any{"code": "usage", "exit_code": 2.0}, pick(e.failure(t), "code", "exit_code"))
		})
	}
}

func pick(m map[string]any, keys ...string) map[string]any {
	out := map[string]any{}
	for _, k := range keys {
		out[k] = m[k]
	}
	return out
}

// Every command says what it is for and shows a command line that works.
func TestEveryCommandHasShortAndExample(t *testing.T) {
	t.Parallel()
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		require.NotEmpty(t, cmd.Short, cmd.CommandPath())
		if topic := cmd.Name() == "exit-codes" || cmd.Name() == "help"; !topic && cmd.HasParent() {
			require.NotEmpty(t, cmd.Example, cmd.CommandPath())
			require.Contains(t, cmd.Example, cmd.CommandPath(), "the example shows the command")
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(new(app).root())
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"--help"}, {"dead"}, {"dead", "--help"}, {"demo", "--help"}, {"exit-codes"}, {"help", "dead"}} {
		r := do(t, args...)
		require.Equal(t, exitOK, r.code, args)
		require.NotEmpty(t, r.out, args)
		require.Empty(t, r.err, args)
	}
	require.Contains(t, do(t, "help", "exit-codes").out, "130  interrupted")
}

func TestVersion(t *testing.T) {
	t.Parallel()
	v := do(t, "version", "-o", "json").object(t)
	require.Equal(t, "afterput.version.v1", v["schema"])
	require.NotEmpty(t, v["version"])
	require.NotEmpty(t, v["go"])

	require.Equal(t, "devel\n", do(t, "version", "--short", "-o", "plain").out)
	require.Equal(t, "devel\n", do(t, "version", "--short", "-o", "table").out)
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		r := do(t, "completion", shell)
		require.Equal(t, exitOK, r.code)
		require.Contains(t, r.out, "afterput")
	}
	require.Contains(t, do(t, "__complete", "--output", "").out, "jsonl")
	require.Contains(t, do(t, "__complete", "dead", "").out, "replay")
}

func TestFlagsFromEnvironment(t *testing.T) {
	t.Parallel()
	env := []string{"AFTERPUT_OUTPUT=json", "AFTERPUT_SHORT=true"}
	r := doWith(t, env, "", "version")
	require.Equal(t, map[string]any{"schema": "afterput.version.v1", "version": "devel"}, r.object(t))
	require.Equal(t, "devel\n", doWith(t, env, "", "version", "-o", "plain").out, "a flag is stronger")

	path, _ := world(t)
	require.Equal(t, exitOK, doWith(t, []string{"AFTERPUT_CONFIG=" + path}, "", "dead", "list").code)

	bad := doWith(t, []string{"AFTERPUT_SHORT=perhaps"}, "", "version")
	require.Equal(t, exitUsage, bad.code)
	require.Contains(t, bad.err, "env AFTERPUT_SHORT")
}
