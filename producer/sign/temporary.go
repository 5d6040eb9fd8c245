package sign

import (
	"context"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline/qsign"
)

// Policy is what a temporary key may do, in the syntax of CAM (CAM 598/10604).
type Policy struct {
	Version   string      `json:"version"`
	Statement []Statement `json:"statement"`
}

// Statement allows actions on resources.
type Statement struct {
	Effect   string   `json:"effect"`
	Action   []string `json:"action"`
	Resource []string `json:"resource"`
}

// Issuer gives out temporary keys; *sts.Client does.
type Issuer interface {
	// Issue gives a key that may do what the policy says and ends by itself after d or
	// later. Errors of class Transient refuse the signature for now.
	Issue(ctx context.Context, p Policy, d time.Duration) (qsign.Key, error)
}

// temporary replaces the key of an upload by the one of now, or by one that may do one
// action with its one object, where an issuer is configured. What a key signs holds no longer
// than the key.
func (s *Signer) temporary(ctx context.Context, u *upload, action string) error {
	if u.Issuer == nil {
		if u.Keys == nil {
			return nil
		}
		key, err := u.Keys(ctx)
		if err == nil {
			u.Key, u.Keys = key, nil
		}
		return err
	}
	key, err := u.Issuer.Issue(ctx, policyOf(u.Bucket, u.key, action), u.window.End.Sub(s.opt.Now()))
	u.Key = key
	return err
}

// policyOf allows one action on one object.
func policyOf(b Bucket, key, action string) Policy {
	appid := b.Name[strings.LastIndexByte(b.Name, '-')+1:]
	return Policy{Version: "2.0", Statement: []Statement{{
		Effect: "allow", Action: []string{"name/cos:" + action},
		Resource: []string{"qcs::cos:" + b.Region + ":uid/" + appid + ":" + b.Name + "/" + key},
	}}}
}
