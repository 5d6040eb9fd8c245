package reconcile

import (
	"fmt"
	"slices"
	"time"
)

// Kind is a kind of difference.
type Kind string

// The kinds of differences.
const (
	// Missing lies in the bucket and was never announced.
	Missing Kind = "missing"
	// Orphan was accepted and does not lie in the bucket any more.
	Orphan Kind = "orphan"
	// Stale has another ETag than the last check saw, or came back after it was gone.
	Stale Kind = "stale"
	// Unattached is accepted, has a link to an order, and never stood in it.
	Unattached Kind = "unattached"
	// Thumbnails is an accepted image whose thumbnails are not all in the bucket.
	Thumbnails Kind = "thumbnails"
)

// Kinds lists every kind.
func Kinds() []Kind { return []Kind{Missing, Orphan, Stale, Unattached, Thumbnails} }

// The defaults of a Plan.
const (
	DefaultMinAge    = 10 * time.Minute
	DefaultOlderThan = time.Hour
)

// Plan says what to compare. A checkpoint belongs to one plan.
type Plan struct {
	// Bucket is the full name of the bucket. Required.
	Bucket string `json:"bucket"`
	// Prefix is what the keys begin with; empty for all.
	Prefix string `json:"prefix"`
	// Kinds are what to look for; none means all.
	Kinds []Kind `json:"kinds"`
	// Since and Until bound the objects' LastModified, both inclusive; zero for no bound. Orphans
	// have none and go by their last check.
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	// MinAge leaves alone what changed so recently: an event or a step may be on its way.
	// 0 means DefaultMinAge, negative none.
	MinAge time.Duration `json:"minAge"`
	// OlderThan is how old a link has to be to count as Unattached. 0 means
	// DefaultOlderThan, negative none.
	OlderThan time.Duration `json:"olderThan"`
	// Apply heals what is found; else it is only told.
	Apply bool `json:"apply"`
}

func (p Plan) withDefaults() (Plan, error) {
	if p.Bucket == "" {
		return p, fmt.Errorf("reconcile: no bucket")
	}
	for _, k := range p.Kinds {
		if !slices.Contains(Kinds(), k) {
			return p, fmt.Errorf("reconcile: there is no kind %q", k)
		}
	}
	if len(p.Kinds) == 0 {
		p.Kinds = Kinds()
	}
	if p.MinAge == 0 {
		p.MinAge = DefaultMinAge
	}
	if p.OlderThan == 0 {
		p.OlderThan = DefaultOlderThan
	}
	p.Since, p.Until = p.Since.UTC(), p.Until.UTC()
	return p, nil
}

func (p Plan) wants(k Kind) bool { return slices.Contains(p.Kinds, k) }

// inWindow tells whether Since and Until let a time through.
func (p Plan) inWindow(at time.Time) bool {
	return (p.Since.IsZero() || !at.Before(p.Since)) && (p.Until.IsZero() || !at.After(p.Until))
}

// Result is what became of a finding.
type Result string

// The results of findings.
const (
	// Found was only told.
	Found Result = "found"
	// Healed was announced, or its step was wished for. The workers do the rest.
	Healed Result = "healed"
	// Refused cannot be announced; Code says why.
	Refused Result = "refused"
	// Dead has an open letter, which a person replays or discards.
	Dead Result = "dead"
)

// Finding is one difference.
type Finding struct {
	Kind Kind
	Key  string
	// UploadID is empty for what is missing.
	UploadID string
	// Order is the order that an Unattached belongs to, or that a Missing which was healed
	// was announced for.
	Order string
	// Presets are the thumbnails that are not there.
	Presets []string
	Result  Result
	// Code is why it was refused; Detail says it, or the difference, in words.
	Code   string
	Detail string
}

// Report counts.
type Report struct {
	// Scanned counts the objects listed, without thumbnails and folders.
	Scanned int64 `json:"scanned"`
	// Matched counts those that the ledger knows.
	Matched int64 `json:"matched"`
	// One count for each kind.
	Missing    int64 `json:"missing"`
	Orphans    int64 `json:"orphans"`
	Stale      int64 `json:"stale"`
	Unattached int64 `json:"unattached"`
	Thumbnails int64 `json:"thumbnails"`
	// Settling counts differences that were left alone, because they are too young or
	// the step that ends them is pending.
	Settling int64 `json:"settling"`
	// Healed counts findings that were healed, Refused those that cannot be: refused or
	// dead.
	Healed  int64 `json:"healed"`
	Refused int64 `json:"refused"`
	// Limited says that the limit ended the run before the bucket did.
	Limited bool `json:"limited"`
}

// Findings is the sum over the kinds.
func (r Report) Findings() int64 {
	return r.Missing + r.Orphans + r.Stale + r.Unattached + r.Thumbnails
}

func (r *Report) add(f Finding) {
	switch f.Kind {
	case Missing:
		r.Missing++
	case Orphan:
		r.Orphans++
	case Stale:
		r.Stale++
	case Unattached:
		r.Unattached++
	case Thumbnails:
		r.Thumbnails++
	}
	switch f.Result {
	case Healed:
		r.Healed++
	case Refused, Dead:
		r.Refused++
	case Found:
	}
}
