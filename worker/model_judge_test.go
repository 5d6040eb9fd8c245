package worker

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/afterput/afterput/pipeline"
)

// TestModel: whatever is announced, changed, lost, crashed, wiped, replayed or given up in
// between, once everything has come to rest each order, upload, thumbnail, cached URL,
// letter and webhook is what the model says. A long run:
//
//	go test ./worker -run TestModel -rapid.checks=5000
//
// The race detector sees a quarter of the 100 checks: it costs most, and what the checks
// look for is told apart by chance and not by timing.
func TestModel(t *testing.T) {
	if checks := flag.Lookup("rapid.checks"); raced && checks.Value.String() == checks.DefValue {
		require.NoError(t, checks.Value.Set("25"))
	}
	t.Parallel()
	town := newModelTown(t)
	rapid.Check(t, func(t *rapid.T) {
		w := town.newWorld(t)
		for i := range modelOrders {
			if id := modelOrder(i); rapid.IntRange(0, 2).Draw(t, "late order") > 0 {
				w.createOrder(id)
			} else {
				w.late[id] = true
			}
		}
		t.Repeat(w.actions())
		w.settleDown()
		w.judge()
	})
}

// settleDown ends every disturbance and lets everything come to rest, twice: with the
// letters as they are, and after the replay of those that are open.
func (w *modelWorld) settleDown() {
	w.faults = map[string]fault{}
	for i := range modelOrders {
		if id := modelOrder(i); !w.made[id] {
			w.createOrder(id)
		}
	}
	for len(w.events) > 0 {
		a := w.events[0]
		w.events = w.events[1:]
		w.announce(a)
		w.accept(sending{anns: []pipeline.Announcement{a}}, undisturbed, 0)
	}
	// Those that lost their lease may wake when all others have come to rest.
	late := rapid.Bool().Draw(w.t, "wake late")
	for _, f := range slices.Clone(w.flights) {
		if !late || !f.lost {
			w.wakeUp(f, false)
		}
	}
	w.rest()
	for len(w.flights) > 0 {
		w.wakeUp(w.flights[0], false)
	}
	w.rest()
	for _, letter := range w.lettersIn(pipeline.LetterOpen) {
		w.replayLetter(letter.ID)
	}
	w.rest()
}

// roundsToRest is how many sweeps, minutes and runs of all tasks it takes at most.
const roundsToRest = 40

// rest lets time pass until no step is pending and no task waits.
func (w *modelWorld) rest() {
	for range roundsToRest {
		w.sweepNow(w.t)
		for i, all := 0, w.waiting(); len(all) > 0; i, all = i+1, w.waiting() {
			if i == 300 {
				w.t.Fatalf("tasks without end: %v", all)
			}
			w.take(all[0], undisturbed, 0)
			w.invariants(w.t)
		}
		totals, err := w.ledger.Totals(w.ctx)
		w.noError(err, "totals")
		if totals.Pending == 0 {
			return
		}
		w.tick()
	}
	w.t.Fatalf("stuck: %v", w.describe())
}

// invariants hold after every action: a letter opens only for failures that happened.
func (w *modelWorld) invariants(*rapid.T) {
	for _, l := range w.lettersIn("") {
		if w.died[l.ID].Equal(l.DiedAt) {
			continue
		}
		w.died[l.ID] = l.DiedAt
		failures := 0
		for c, n := range w.charged {
			if c.step == l.Step && (c.key == l.UploadID || c.key == "") && c.class == l.Class {
				failures += n
			}
		}
		explained := false
		switch l.Class { //nolint:exhaustive // the others are never explained
		case pipeline.Denied:
			explained = failures >= 1
		case pipeline.Transient:
			explained = failures >= w.budgets.Transient
		case pipeline.Missing:
			explained = w.absent[l.Key]
		case pipeline.Waiting:
			explained = l.Step == pipeline.StepAttach && w.late[l.Scope]
		}
		if !explained {
			w.t.Fatalf("nobody explains letter %d: %s of %s %s, class %s after %d failures: %s", l.ID, l.Step, l.Key, l.Scope, l.Class, failures, l.Error)
		}
	}
	w.waiting() // no task is queued twice
}

// describe tells the steps of every upload, for the message of a check that failed.
func (w *modelWorld) describe() string {
	var b strings.Builder
	for i := range modelFiles {
		steps, _ := w.ledger.Steps(w.ctx, pipeline.UploadID(bucket, modelKey(i)))
		for _, s := range steps {
			fmt.Fprintf(&b, "\n%s %s %s gen %d: %s %s %s", modelKey(i), s.Step, s.Scope, s.Gen, s.State, s.Code, s.Detail)
		}
	}
	return b.String()
}

// steps of an upload that are discarded.
func (w *modelWorld) discarded(id string) map[given]bool {
	steps, err := w.ledger.Steps(w.ctx, id)
	w.noError(err, "steps")
	out := map[given]bool{}
	for _, s := range steps {
		if s.State == pipeline.Discarded {
			out[given{id, s.Step, s.Scope}] = true
		}
	}
	return out
}

// givenUp tells whether a step of an upload is discarded.
func (w *modelWorld) givenUp(id string) bool { return len(w.discarded(id)) > 0 }

// judge holds the world against the model.
func (w *modelWorld) judge() {
	thumbs, cached := map[string]string{}, map[string]bool{}
	for key := range w.known {
		w.judgeUpload(key, thumbs, cached)
	}
	for i := range modelOrders {
		w.judgeOrder(modelOrder(i))
	}
	for key := range w.store.objects {
		if strings.HasPrefix(key, pipeline.DefaultThumbnailPrefix) {
			want, ok := thumbs[key]
			require.True(w.t, ok, "%s is of a file that has no thumbnails", key)
			require.True(w.t, want == anything || want == w.store.content(key), "%s holds %s, not %s", key, w.store.content(key), want)
			delete(thumbs, key)
		}
	}
	for key, want := range thumbs {
		require.Equal(w.t, anything, want, "%s is missing", key)
	}
	for fileID := range w.urls.kept {
		_, ok := cached[fileID]
		require.True(w.t, ok, "%s must not be cached", fileID)
		delete(cached, fileID)
	}
	for fileID, must := range cached {
		require.False(w.t, must, "%s is not cached", fileID)
	}
	require.Empty(w.t, w.audited(), "the audit")
}

// anything stands for what a step that was given up may have left behind.
const anything = "*"

// judgeUpload holds one upload against the model and adds what it must have outside.
func (w *modelWorld) judgeUpload(key string, thumbs map[string]string, cached map[string]bool) {
	id := pipeline.UploadID(bucket, key)
	u, err := w.ledger.Upload(w.ctx, id)
	w.noError(err, "upload %s is lost", key)
	steps, err := w.ledger.Steps(w.ctx, id)
	w.noError(err, "steps")
	given := w.discarded(id)
	for g := range given {
		require.True(w.t, w.given[g], "nobody discarded %v", g)
	}
	want := w.state(key, !u.CheckedAt.IsZero())
	if len(given) > 0 && want != pipeline.UploadDead {
		want = pipeline.UploadDiscarded
	}
	unseen := w.gaveUp(given, id, pipeline.StepCheck, "")
	if unseen {
		want = pipeline.UploadDiscarded
	}
	require.Equal(w.t, want, pipeline.DeriveState(u.Reason, steps), "state of %s: %v", key, w.describe())

	for _, p := range w.steps().Thumbnail.Presets {
		switch name := w.steps().Thumbnail.Key(p.Name, key); {
		case unseen || w.gaveUp(given, id, pipeline.StepThumbnail, ""):
			thumbs[name] = anything
		case w.good(key):
			thumbs[name] = w.content[key]
		}
	}
	if open := unseen || w.unread(given, key) || w.gaveUp(given, id, pipeline.StepWarm, ""); open || w.good(key) {
		cached[u.FileID] = !open
	}
	w.judgeWebhooks(u, steps, w.gaveUp(given, id, pipeline.StepNotify, ""))
}

func (w *modelWorld) gaveUp(in map[given]bool, upload string, step pipeline.Step, order string) bool {
	return in[given{upload, step, order}]
}

// unread tells whether the step that finds out that a file cannot be decoded was given up.
func (w *modelWorld) unread(in map[given]bool, key string) bool {
	return w.content[key] == corrupt && w.gaveUp(in, pipeline.UploadID(bucket, key), pipeline.StepThumbnail, "")
}

// judgeWebhooks: each outcome has one body, and the last one told is what holds.
func (w *modelWorld) judgeWebhooks(u pipeline.Upload, steps []pipeline.StepRecord, given bool) {
	for n := 1; n < u.Revision+5; n++ {
		_, same, err := w.sink.outcome(pipeline.WebhookID(u.ID, n))
		w.noError(err, "webhook")
		require.True(w.t, same, "webhook %d of %s has two bodies", n, u.Key)
	}
	if given {
		return
	}
	o, _, _ := w.sink.outcome(pipeline.WebhookID(u.ID, u.Revision))
	require.Equal(w.t, u.Revision, o.Revision, "the last outcome of %s was not told", u.Key)
	require.Equal(w.t, pipeline.OutcomeState(u.Reason, steps), o.State, "outcome of %s", u.Key)
	require.Equal(w.t, u.Content.ETag, o.ETag, "outcome of %s", u.Key)
	after, _, _ := w.sink.outcome(pipeline.WebhookID(u.ID, u.Revision+1))
	require.Empty(w.t, after.UploadID, "an outcome of %s that the ledger does not know", u.Key)
}

// judgeOrder holds an array against the model, leaving out files that were given up.
func (w *modelWorld) judgeOrder(order string) {
	open := func(key string) bool {
		id := pipeline.UploadID(bucket, key)
		in := w.discarded(id)
		return w.gaveUp(in, id, pipeline.StepCheck, "") || w.gaveUp(in, id, pipeline.StepAttach, order) ||
			w.unread(in, key)
	}
	o, err := w.shopOrders().ReadOrder(w.ctx, order)
	w.noError(err, "order")
	got, want := []string{}, []string{}
	for _, fileID := range o.Images {
		key := strings.TrimPrefix(fileID, "cos://"+bucket+"/")
		if !open(key) {
			got = append(got, key)
		}
	}
	for _, key := range w.array(order) {
		if !open(key) {
			want = append(want, key)
		}
	}
	require.Equal(w.t, want, got, "order %s: %v", order, w.describe())
}
