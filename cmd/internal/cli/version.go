package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/release"
)

type versionInfo struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func versionCmd(a *app) *cobra.Command {
	var short bool
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Example: "  afterput version --short\n  afterput version -o json",
		RunE: func(*cobra.Command, []string) error {
			v := versionInfo{Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
			v.Version, v.Commit = release.Version()
			p, err := a.printer()
			if err != nil {
				return err
			}
			switch {
			case short && p.Machine():
				return p.Object("afterput.version.v1", map[string]string{"version": v.Version})
			case short:
				_, err = fmt.Fprintln(a.stdout, v.Version)
				return err
			}
			return p.Object("afterput.version.v1", v)
		},
	}
	cmd.Flags().BoolVar(&short, "short", false, "only the version")
	return cmd
}
