package cloudbase

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// ruleTTL is how long a rule is kept. With the three minutes after which a cached URL is
// looked at again it stays below the five for which one may outlive a change.
const ruleTTL = 30 * time.Second

// Control calls the control plane: *cloudapi.Client of service tcb, version 2018-06-08.
type Control interface {
	Call(ctx context.Context, action string, in, out any) error
}

// Rule tells who may read the storage of an environment, by DescribeStorageSafeRule. It is
// safe for concurrent use.
type Rule struct {
	control     Control
	env, bucket string
	now         func() time.Time
	asking      chan struct{} // holds one while somebody asks

	mu    sync.Mutex
	said  pipeline.Visibility
	until time.Time
}

// NewRule makes the Rule of a bucket. A nil now is time.Now.
func NewRule(control Control, env, bucket string, now func() time.Time) *Rule {
	if now == nil {
		now = time.Now
	}
	return &Rule{control: control, env: env, bucket: bucket, now: now, asking: make(chan struct{}, 1)}
}

// Visibility tells what the rule says of every object in the bucket: Public, Private, or
// VisibilityUnknown where a custom rule decides by object. The answer is kept for half a
// minute; however many need one, one of them asks. A change of the rule takes one to three
// minutes in CloudBase itself.
func (r *Rule) Visibility(ctx context.Context) (pipeline.Visibility, error) {
	const op = "cloudbase.rule"
	if v, ok := r.kept(); ok {
		return v, nil
	}
	select {
	case r.asking <- struct{}{}:
		defer func() { <-r.asking }()
	case <-ctx.Done():
		return pipeline.VisibilityUnknown, pipeline.Errorf(pipeline.Transient, op, r.env, "%w", ctx.Err())
	}
	if v, ok := r.kept(); ok {
		return v, nil
	}
	asked := r.now()
	var out struct {
		AclTag, Rule string //nolint:revive // the names of the API
	}
	in := map[string]string{"EnvId": r.env, "Bucket": r.bucket}
	if err := r.control.Call(ctx, "DescribeStorageSafeRule", in, &out); err != nil {
		return pipeline.VisibilityUnknown, err
	}
	v, ok := readable(out.AclTag, out.Rule)
	if !ok {
		return pipeline.VisibilityUnknown, pipeline.Errorf(pipeline.Transient, op, r.env, "the permission %.40q is not known", out.AclTag)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said, r.until = v, asked.Add(ruleTTL)
	return v, nil
}

func (r *Rule) kept() (pipeline.Visibility, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said, r.now().Before(r.until)
}

// readable is who may read by a permission (docs.cloudbase.net, manager/node/rule). Of a
// custom rule only a plain true or false says the same of every object.
func readable(tag, custom string) (pipeline.Visibility, bool) {
	switch tag {
	case "READONLY", "ADMINWRITE": // everybody reads
		return pipeline.Public, true
	case "PRIVATE", "ADMINONLY":
		return pipeline.Private, true
	case "CUSTOM":
		var expression struct{ Read any }
		_ = json.Unmarshal([]byte(custom), &expression) // what is no JSON decides by object
		switch expression.Read {
		case true:
			return pipeline.Public, true
		case false:
			return pipeline.Private, true
		}
		return pipeline.VisibilityUnknown, true
	}
	return pipeline.VisibilityUnknown, false
}
