package ledgertest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// Clock is a clock that a test moves by hand.
type Clock struct{ micros atomic.Int64 }

// NewClock starts at a fixed time, far ahead of the real one: the queue compares the two
// where a task is to run later.
func NewClock() *Clock {
	c := new(Clock)
	c.micros.Store(time.Date(2126, 11, 21, 12, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

// Now gives the time.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.micros.Load()).UTC() }

// Add moves the clock on.
func (c *Clock) Add(d time.Duration) { c.micros.Add(d.Microseconds()) }

// Factory opens an empty, migrated ledger on the engine under test. It adds the database
// to the options.
type Factory func(t *testing.T, opt ledger.Options) *ledger.Ledger

// bench is one test's ledger with its clock.
type bench struct {
	*ledger.Ledger
	t     *testing.T
	clock *Clock
	// wants, where a test sets it, tells who subscribed to an event.
	wants func(event string) []string
}

// subscribers are those of the ledger's default, unless the test sets others.
func (b *bench) subscribers(event string) []string {
	switch {
	case b.wants != nil:
		return b.wants(event)
	case event == pipeline.OrderUpdated:
		return nil
	}
	return []string{""}
}

// Run runs every test of the suite.
func Run(t *testing.T, open Factory) {
	for name, test := range map[string]func(*bench){
		"announcing the same object at once":       announceAtOnce,
		"announcing in different case":             announceCase,
		"announcing with an inbound ID":            announceInbound,
		"announcing during a run":                  announceDuringRun,
		"uploads by their IDs":                     uploadsByID,
		"a removal of an unknown object":           removalUnknown,
		"a removal that comes first":               removalFirst,
		"a removal of an unchecked object":         removalUnchecked,
		"a removal during a check":                 removalDuringCheck,
		"marks of removals are pruned and erased":  removalsGo,
		"a link that is completed later":           linkCompleted,
		"a check takes up the later steps":         checkTakesUp,
		"a check of the same content":              checkSameContent,
		"a check of new content":                   checkNewContent,
		"a rejection after attach":                 rejectionLater,
		"a thumbnail rejects":                      thumbnailRejects,
		"an outcome is notified once":              outcomeOnce,
		"attempts fence":                           attemptsFence,
		"budgets count by class":                   budgetsByClass,
		"a letter and its replay":                  letterReplay,
		"a letter that nobody can read":            letterRaw,
		"a body that nobody understands":           letterBody,
		"letters by filter":                        letterFilters,
		"letters by page":                          letterPages,
		"groups of letters":                        letterGroups,
		"a letter is discarded":                    letterDiscard,
		"a letter without an upload is discarded":  letterDiscardRaw,
		"a letter is replayed as it was seen":      letterSeen,
		"the audit trail":                          operations,
		"superseded content":                       supersededContent,
		"rechecks are counted":                     circles,
		"one holder per order":                     orderHolder,
		"an order's memory":                        orderMemory,
		"due steps":                                dueSteps,
		"steps that are not due":                   stepsAhead,
		"steps of a live worker are not due":       dueLiveWorker,
		"warm steps are claimed once":              warmClaims,
		"a worker that leaves charges nobody":      workerLeaves,
		"concurrent announcements and completions": announceAndFinish,
		"finding by what people know":              findByRef,
		"queues that are paused":                   pausedQueues,
		"a pause that ends":                        pauseEnds,
		"cards of uploads":                         cards,
		"a discarded object is removed":            discardThenRemoved,
		"a webhook that dies":                      deadNotify,
		"a stale writer that is killed":            staleWriterKilled,
		"a late attempt is closed":                 lateIsClosed,
		"uploads by key":                           byKey,
		"uploads by key with their links":          byKeyLinks,
		"reconsidering a step":                     reconsider,
		"regenerating thumbnails":                  regenerate,
		"one holder of a lease":                    leaseHolder,
		"leases taken at once":                     leaseAtOnce,
		"the books add up":                         booksAddUp,
		"a healthy ledger has no gaps":             noGaps,
		"steps and links beside the outside":       outsideViews,
		"old rows are pruned":                      pruneOld,
		"an owner is erased":                       eraseOwner,
		"keys that were signed":                    signedKeys,
		"signed keys are pruned":                   signedPruned,
		"a key is signed once":                     signedOnce,
		"signed keys of an owner are erased":       signedErased,
		"endpoints that are disabled":              disabledEndpoints,
		"orders that were written are told":        orderEvents,
		"deliveries of orders are due":             orderEventsAreDue,
		"orders of which nobody wants to hear":     orderEventsOfNobody,
		"telling an endpoint again":                toldAgain,
		"when a run was asked for":                 askedAt,
		"a run that is asked for again":            askedAgain,
		"open letters by step and class":           openLetters,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bench{t: t, clock: NewClock()}
			b.Ledger = open(t, ledger.Options{Now: b.clock.Now, Subscribers: b.subscribers})
			test(b)
		})
	}
}

const bucket = "photos-1250000000"

func photo(key string) pipeline.Announcement {
	return pipeline.Announcement{
		Bucket: bucket, Key: key, FileID: "cos://" + bucket + "/" + key, Owner: "o1", Source: "api",
	}
}

func (b *bench) announce(anns ...pipeline.Announcement) ledger.AnnounceResult {
	b.t.Helper()
	res, err := b.Announce(b.t.Context(), "", anns)
	require.NoError(b.t, err)
	return res
}

func (b *bench) begin(id string, step pipeline.Step, scope string) *ledger.OpenAttempt {
	b.t.Helper()
	a, err := b.Begin(b.t.Context(), b.step(id, step, scope).run(), "w1", time.Minute)
	require.NoError(b.t, err)
	return a
}

func (b *bench) finish(a *ledger.OpenAttempt, res pipeline.StepResult) []pipeline.Wish {
	b.t.Helper()
	made, err := b.Finish(b.t.Context(), a, res)
	require.NoError(b.t, err)
	return made
}

// check runs the check of an upload with this content.
func (b *bench) check(id, etag, mime string, v pipeline.Visibility, code pipeline.Code) []pipeline.Wish {
	b.t.Helper()
	c := pipeline.Content{ETag: etag, Size: 100, Visibility: v, Facts: pipeline.Facts{Type: mime, Width: 10, Height: 20}}
	return b.finish(b.begin(id, pipeline.StepCheck, ""), pipeline.StepResult{State: pipeline.Done, Code: code, Content: &c})
}

// run ends one step as done.
func (b *bench) run(id string, step pipeline.Step, scope string) []pipeline.Wish {
	b.t.Helper()
	return b.finish(b.begin(id, step, scope), pipeline.StepResult{State: pipeline.Done})
}

type record pipeline.StepRecord

func (r record) run() pipeline.Run {
	return pipeline.Run{UploadID: r.UploadID, Step: r.Step, Scope: r.Scope, Gen: r.Gen}
}

// step reads one step; its zero value where there is none.
func (b *bench) step(id string, step pipeline.Step, scope string) record {
	b.t.Helper()
	return b.stepNow(b.t.Context(), id, step, scope)
}

// stepNow is step for the goroutines of atOnce.
func (b *bench) stepNow(ctx context.Context, id string, step pipeline.Step, scope string) record {
	steps, err := b.Steps(ctx, id)
	if err != nil {
		b.t.Errorf("steps of %s: %v", id, err)
	}
	for _, s := range steps {
		if s.Step == step && s.Scope == scope {
			return record(s)
		}
	}
	return record{}
}

func (b *bench) upload(id string) pipeline.Upload {
	b.t.Helper()
	u, err := b.Upload(b.t.Context(), id)
	require.NoError(b.t, err)
	return u
}

func stepsOf(wishes []pipeline.Wish) []pipeline.Step {
	var out []pipeline.Step
	for _, w := range wishes {
		out = append(out, w.Step)
	}
	return out
}

// atOnce runs fn n times at once and gives what they returned.
func atOnce(ctx context.Context, n int, fn func(ctx context.Context, i int) error) []error {
	var wg sync.WaitGroup
	start := make(chan struct{})
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = fn(ctx, i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}
