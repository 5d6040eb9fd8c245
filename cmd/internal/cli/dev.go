package cli

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/cmd/internal/wire"
)

func (a *app) devCmd() *cobra.Command {
	var dir, listen, redisURL string
	cmd := &cobra.Command{
		Use: "dev", GroupID: "run", Short: "Run everything in one process, nothing to install", Args: cobra.NoArgs,
		Long: `Starts an embedded Redis, a COS server on disk, an orders database and a receiver of
webhooks on loopback, and over them serve with every worker pool. The configuration with
all addresses and keys is left in DIR/afterput.yaml; in the folder that holds .afterput
the other commands find it by themselves. What was open when dev stopped goes on when it
starts again.

It listens where the sample clients of Tencent's upload guides look for their server, and
gives them signatures without a key. With --listen on another address than loopback the
key is asked for.`,
		Example: "  afterput dev\n  afterput dev --dir /tmp/world --listen 127.0.0.1:0",
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := a.logger(config.Default().Log)
			if err != nil {
				return err
			}
			world, err := devworld.Start(cmd.Context(), devworld.Options{Dir: dir, Listen: listen, RedisURL: redisURL, Logger: log})
			if err != nil {
				return err
			}
			defer world.Close()
			// The environment may tune a dev world like any other.
			cfg, err := config.Load(config.Options{Path: filepath.Join(dir, devworld.ConfigFile), Environ: a.environ})
			if err != nil {
				return err
			}
			w, err := wire.Open(cmd.Context(), cfg, log)
			if err != nil {
				return err
			}
			defer func() { _ = w.Close() }()
			a.say("API      %s   (Authorization: Bearer %s)", world.URL(), world.Key)
			if cfg.Sign.Auth == "none" {
				a.say("sign     %s/post-policy?ext=jpg   (no key: every file is %s's)", world.URL(), cfg.Sign.DevOwner)
			}
			a.say("monitor  %s/monitor   (any user, the key as password)", world.URL())
			a.say("COS      %s   bucket %s", world.COSURL(), devworld.Bucket)
			a.say("orders   %s", world.Config.Orders.URL)
			a.say("config   %s/%s", dir, devworld.ConfigFile)
			return a.serve(cmd.Context(), w, world.Listener, true)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".afterput", "folder that holds everything")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:3000", "address of the HTTP API")
	cmd.Flags().StringVar(&redisURL, "redis", "", "use this Redis instead of the embedded one")
	return cmd
}
