package pipeline

import (
	"context"
	"io"
)

// maxProbeBytes bounds what a check reads when a format asks for more.
const maxProbeBytes = 1 << 20

// CheckResult is what a check leaves behind.
type CheckResult struct {
	Type string `json:"type"`
	Size int64  `json:"size"`
}

// VisibilityRule says how the visibility of objects in a bucket is found.
type VisibilityRule func(ctx context.Context, bucket, key string) (Visibility, error)

// ProbeVisibility finds out by asking without a signature.
func ProbeVisibility(store Objects) VisibilityRule {
	return func(ctx context.Context, bucket, key string) (Visibility, error) {
		public, err := store.Public(ctx, bucket, key)
		if err != nil {
			return VisibilityUnknown, err
		}
		if public {
			return Public, nil
		}
		return Private, nil
	}
}

// Check looks at the object: one ranged read gives size, ETag and first bytes, the
// probe tells its type and dimensions from them, and the policy judges. Nothing is
// decoded. The result rejects with a code or accepts; an object that is not there is
// an error of class Missing.
func Check(ctx context.Context, store Objects, probe Prober, policy Policy, visible VisibilityRule, u Upload) (StepResult, error) {
	info, head, err := readHead(ctx, store, u, ProbeBytes)
	if err != nil {
		return StepResult{}, wrap(Transient, "check.read", u.Key, err)
	}
	facts, need := probe(head, info.Size)
	if need > len(head) && int64(len(head)) < info.Size {
		again, more, err := readHead(ctx, store, u, min(need, maxProbeBytes))
		if err != nil {
			return StepResult{}, wrap(Transient, "check.read", u.Key, err)
		}
		info, head = again, more
		facts, _ = probe(head, info.Size)
	}
	c := Content{ETag: info.ETag, VersionID: info.VersionID, Size: info.Size, Facts: facts}
	res := StepResult{State: Done, Content: &c, Result: CheckResult{Type: facts.Type, Size: info.Size}}
	if res.Code, res.Detail = policy.Judge(u.Key, info.Size, facts); res.Code != "" {
		return res, nil
	}
	if c.Visibility, err = visible(ctx, u.Bucket, u.Key); err != nil {
		return StepResult{}, wrap(Transient, "check.visibility", u.Key, err)
	}
	return res, nil
}

func readHead(ctx context.Context, store Objects, u Upload, n int) (ObjectInfo, []byte, error) {
	info, body, err := store.Get(ctx, u.Bucket, u.Key, ReadOptions{Length: int64(n)})
	if err != nil {
		return ObjectInfo{}, nil, err
	}
	defer func() { _ = body.Close() }()
	head, err := io.ReadAll(io.LimitReader(body, int64(n)))
	return info, head, err
}
