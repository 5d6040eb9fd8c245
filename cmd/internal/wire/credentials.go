package wire

import (
	"fmt"

	"github.com/afterput/afterput/pipeline/credentials"
)

// openCredentials makes what runs the programs that give keys. Buckets of the same program
// share what it gives.
func (a *App) openCredentials() error {
	a.credentials = make(map[string]*credentials.Process)
	shared := make(map[string]*credentials.Process)
	for _, b := range a.Config.Buckets {
		c := b.Credentials
		if len(c.Command) == 0 {
			continue
		}
		same := fmt.Sprintf("%q %q %s %s", c.Command, c.Env, c.Timeout, c.Margin)
		if shared[same] == nil {
			p, err := credentials.New(credentials.Options{
				Command: c.Command, Env: c.Env, Timeout: c.Timeout, Margin: c.Margin, Logger: a.Log,
			})
			if err != nil {
				return err
			}
			shared[same] = p
			a.closers = append(a.closers, p.Close)
		}
		a.credentials[b.Name] = shared[same]
	}
	return nil
}
