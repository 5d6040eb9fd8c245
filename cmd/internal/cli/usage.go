package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
)

// strict makes every mistake in commands, flags that exclude each other, and arguments a
// usage error. cobra by itself
// prints the help of a group and succeeds when its subcommand does not exist.
func strict(cmd *cobra.Command) {
	if args := cmd.Args; args != nil {
		cmd.Args = func(cmd *cobra.Command, given []string) error {
			err := args(cmd, given)
			if _, ours := errors.AsType[*failure](err); err == nil || ours {
				return err
			}
			return usage(cmd, err)
		}
	}
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := cmd.ValidateFlagGroups(); err != nil { // as cobra does a moment later
			return usage(cmd, err)
		}
		return nil
	}
	if cmd.HasSubCommands() && !cmd.Runnable() {
		cmd.Args, cmd.RunE, cmd.DisableFlagsInUseLine = cobra.ArbitraryArgs, group, true
		cmd.SuggestionsMinimumDistance = 2
	}
	for _, sub := range cmd.Commands() {
		strict(sub)
	}
}

// group runs a command that only holds others.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	hint := "see " + cmd.CommandPath() + " --help"
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return failf(exitUsage, "usage", hint, "unknown command %q for %q", args[0], cmd.CommandPath())
}
