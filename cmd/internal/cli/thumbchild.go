package cli

import (
	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline/thumb"
)

// thumbChildCmd is the child process in which a worker decodes an image that may have
// killed another worker. It is nothing for people.
func thumbChildCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: wire.ThumbChild, Hidden: true, Args: cobra.NoArgs,
		Short:   "Make the thumbnails of one image that a worker sends",
		Example: "  afterput thumb-child < order.bin",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return thumb.Child(cmd.Context(), wire.ThumbChildInput(a.stdin), a.stdout)
		},
	}
}
