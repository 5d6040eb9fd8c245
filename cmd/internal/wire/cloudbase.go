package wire

import (
	"context"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/cloudapi"
	"github.com/afterput/afterput/pipeline/cloudbase"
	"github.com/afterput/afterput/pipeline/tempurl"
)

// accounts are the clients of CloudBase by environment and key.
type accounts map[account]*cloudbase.Client

type account struct {
	env string
	config.CloudBase
}

// client gives the client of an environment. Whoever asks for it with one key shares its
// access token.
func (a accounts) client(env string, c config.CloudBase) (*cloudbase.Client, error) {
	who := account{env, c}
	if a[who] == nil {
		client, err := cloudbase.New(cloudbase.Options{
			Env: env, Endpoint: c.Endpoint, APIKey: c.APIKey.Reveal(), SecretID: c.SecretID, SecretKey: c.SecretKey.Reveal(),
		})
		if err != nil {
			return nil, err
		}
		a[who] = client
	}
	return a[who], nil
}

// openCloudBase makes what asks CloudBase about the buckets that belong to an environment.
func (a *App) openCloudBase() error {
	a.gateways, a.rules = map[string]*cloudbase.Client{}, map[string]*cloudbase.Rule{}
	for _, b := range a.Config.Buckets {
		c := b.CloudBase
		if b.Env == "" || !c.Enabled() {
			continue
		}
		client, err := a.accounts.client(b.Env, c)
		if err != nil {
			return err
		}
		a.gateways[b.Name] = client
		if b.Visibility != "rule" {
			continue
		}
		control, err := cloudapi.New(cloudapi.Options{
			Service: "tcb", Version: "2018-06-08", Region: b.Region, Endpoint: c.ControlEndpoint,
			SecretID: c.SecretID, SecretKey: c.SecretKey.Reveal(),
		})
		if err != nil {
			return err
		}
		a.rules[b.Name] = cloudbase.NewRule(control, b.Env, b.Name, nil)
	}
	return nil
}

// urls finds the URLs of objects: by the gateway for buckets of CloudBase, if there is a
// key for it, else by COS.
func (a *App) urls() tempurl.Source {
	sources := &tempurl.Sources{Default: tempurl.NewCOS(a.Objects, nil), ByBucket: make(map[string]tempurl.Source)}
	for _, b := range a.Buckets {
		if g := a.gateways[b.Name]; g != nil {
			sources.ByBucket[b.Name] = tempurl.NewCloudBase(g, b, nil)
		}
	}
	return sources
}

// visibility takes the rule of each bucket.
func (a *App) visibility() pipeline.VisibilityRule {
	ask := pipeline.ProbeVisibility(a.Objects)
	fixed := map[string]pipeline.Visibility{}
	for _, b := range a.Config.Buckets {
		if b.Visibility == string(pipeline.Public) || b.Visibility == string(pipeline.Private) {
			fixed[b.Name] = pipeline.Visibility(b.Visibility)
		}
	}
	return func(ctx context.Context, bucket, key string) (pipeline.Visibility, error) {
		if v, ok := fixed[bucket]; ok {
			return v, nil
		}
		if r, ok := a.rules[bucket]; ok {
			if v, err := r.Visibility(ctx); err != nil || v != pipeline.VisibilityUnknown {
				return v, err
			}
		}
		return ask(ctx, bucket, key)
	}
}
