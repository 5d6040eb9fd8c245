package cli

import (
	"strconv"

	"github.com/spf13/cobra"
)

func (a *app) deadCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "dead", Aliases: []string{"dlq"}, GroupID: "dead", Short: "Look at dead letters, replay or discard them",
		Example: "  afterput dead groups\n  afterput dead show 7\n  afterput dead replay --group 7f3a91c2 --dry-run",
	}
	cmd.AddCommand(a.deadListCmd(), a.deadGroupsCmd(), a.deadShowCmd(), a.deadReplayCmd(), a.deadDiscardCmd(), a.deadExportCmd())
	return cmd
}

func letterID(arg string) (int64, error) {
	id, err := strconv.ParseInt(arg, 10, 64)
	if err != nil || id < 1 {
		return 0, failf(exitUsage, "usage", "afterput dead list shows the IDs", "%q is not the ID of a letter", arg)
	}
	return id, nil
}

// orEmpty is exit 4 where nothing matched and that was asked for.
func orEmpty(failIfEmpty bool, count int) error {
	if failIfEmpty && count == 0 {
		return failf(exitEmpty, "nothing_matched", "", "no letter matches")
	}
	return nil
}
