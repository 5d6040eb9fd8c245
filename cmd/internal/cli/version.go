package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

type versionInfo struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// release is the version that the linker puts into a build which does not know its own,
// such as that of an image.
var release string

func versionCmd(a *app) *cobra.Command {
	var short bool
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Example: "  afterput version --short\n  afterput version -o json",
		RunE: func(*cobra.Command, []string) error {
			v := versionInfo{Version: "devel", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
			if info, ok := debug.ReadBuildInfo(); ok {
				if info.Main.Version != "" && info.Main.Version != "(devel)" {
					v.Version = info.Main.Version
				}
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						v.Commit = s.Value
					}
				}
			}
			if release != "" {
				v.Version = release
			}
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
