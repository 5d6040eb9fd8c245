package reconcile_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer/reconcile"
)

// broken breaks a healthy world in every way, and names what was broken.
func broken(w *world) map[reconcile.Kind]string {
	w.t.Helper()
	keys := []string{"users/o1/attached.jpg", "users/o1/gone.jpg", "users/o1/new.jpg", "users/o1/nothumb.jpg", "users/o1/ok.jpg"}
	w.put(keys...)
	w.announce("A1", keys...)
	w.work()
	w.clock.Add(2 * time.Hour)

	w.put("users/o1/missing.jpg", "users/o1/new.jpg") // no event came
	w.remove("users/o1/gone.jpg", "thumbs/small/users/o1/gone.jpg.jpg", "thumbs/large/users/o1/gone.jpg.png")
	w.remove("thumbs/large/users/o1/nothumb.jpg.png")
	st, err := w.ledger.LockOrder(w.t.Context(), "A1", "h")
	require.NoError(w.t, err)
	for i, l := range st.Links {
		st.Links[i].Attached = l.UploadID != pipeline.UploadID(bucket, "users/o1/attached.jpg")
	}
	_, err = w.ledger.CommitOrder(w.t.Context(), "A1", "h", pipeline.OrderCommit{Links: st.Links})
	require.NoError(w.t, err)
	require.NoError(w.t, w.ledger.UnlockOrder(w.t.Context(), "A1", "h"))
	w.clock.Add(2 * time.Hour)
	return map[reconcile.Kind]string{
		reconcile.Missing: "users/o1/missing.jpg", reconcile.Orphan: "users/o1/gone.jpg", reconcile.Stale: "users/o1/new.jpg",
		reconcile.Unattached: "users/o1/attached.jpg", reconcile.Thumbnails: "users/o1/nothumb.jpg",
	}
}

func TestEveryKindIsFoundAndHealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := broken(w)

	dry, report := w.found(reconcile.Plan{}, reconcile.Controls{})
	require.Equal(t, want, byKind(t, dry, reconcile.Found))
	require.Equal(t, reconcile.Report{
		Scanned: 5, Matched: 4, Missing: 1, Orphans: 1, Stale: 1, Unattached: 1, Thumbnails: 1,
	}, report)
	for kind, key := range want {
		only, _ := w.found(reconcile.Plan{Kinds: []reconcile.Kind{kind}}, reconcile.Controls{})
		require.Equal(t, map[reconcile.Kind]string{kind: key}, byKind(t, only, reconcile.Found))
	}

	healed, report := w.found(reconcile.Plan{Apply: true}, reconcile.Controls{})
	require.Equal(t, want, byKind(t, healed, reconcile.Healed))
	require.EqualValues(t, 5, report.Healed)
	again, report := w.found(reconcile.Plan{Apply: true}, reconcile.Controls{})
	require.Empty(t, again, "every step is under way")
	require.EqualValues(t, 4, report.Settling)

	w.work()
	w.clock.Add(2 * time.Hour)
	after, report := w.found(reconcile.Plan{}, reconcile.Controls{})
	require.Empty(t, after)
	require.Equal(t, reconcile.Report{Scanned: 5, Matched: 5}, report)
	u, err := w.ledger.Upload(t.Context(), pipeline.UploadID(bucket, "users/o1/missing.jpg"))
	require.NoError(t, err)
	require.Equal(t, "reconcile", u.Source)
	u, err = w.ledger.Upload(t.Context(), pipeline.UploadID(bucket, "users/o1/gone.jpg"))
	require.NoError(t, err)
	require.Equal(t, pipeline.CodeObjectGone, u.Reason)

	w.put("users/o1/gone.jpg")
	w.clock.Add(time.Hour)
	back, _ := w.found(reconcile.Plan{}, reconcile.Controls{})
	require.Equal(t, map[reconcile.Kind]string{reconcile.Stale: "users/o1/gone.jpg"}, byKind(t, back, reconcile.Found))
}

// A video that had a poster has to have it, one that never had none.
func TestPostersAreLookedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("users/o1/a.mp4", "users/o1/without-frames.mp4")
	w.announce("", "users/o1/a.mp4", "users/o1/without-frames.mp4")
	w.work()
	w.remove("thumbs/small/users/o1/a.mp4.jpg")
	w.clock.Add(2 * time.Hour)
	found, _ := w.found(reconcile.Plan{}, reconcile.Controls{})
	require.Equal(t, map[reconcile.Kind]string{reconcile.Thumbnails: "users/o1/a.mp4"}, byKind(t, found, reconcile.Found))
}

func byKind(t *testing.T, findings []reconcile.Finding, result reconcile.Result) map[reconcile.Kind]string {
	t.Helper()
	m := map[reconcile.Kind]string{}
	for _, f := range findings {
		require.Equal(t, result, f.Result, f.Key+": "+f.Detail)
		require.NotContains(t, m, f.Kind)
		m[f.Kind] = f.Key
	}
	return m
}

// hostile are names that sort or compare in a surprising way.
func hostile() []string {
	return []string{
		"users/o1/a", "users/o1/a!", "users/o1/a b.jpg", "users/o1/a%20b.jpg", "users/o1/a+b.jpg", "users/o1/a-", "users/o1/a-.jpg",
		"users/o1/a-b", "users/o1/a.jpg", "users/o1/a.jpg!", "users/o1/a.jpg.jpg", "users/o1/A.jpg", "users/o1/中 文.jpg", "users/o1/中",
		"users/o1/😀.jpg", "users/o1/\uff5e.jpg", "users/o1/é.jpg", "users/o10/a.jpg", "users/o1_/a.jpg", "users/O1/a.jpg", "users/o1/a/b.jpg",
		"users/o1/100%.jpg", "users/o1/a&b=c?.jpg", "users/o1/~.jpg",
	}
}

// TestHostileNames: every second name is announced, every third loses a thumbnail.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keys := hostile()
	slices.Sort(keys)
	w.put(keys...)
	w.put("thumbs-of-others/x.jpg", "thumbs/~/odd.jpg", "zoo.jpg")
	var missing, bare []string
	for i, key := range keys {
		if i%2 == 0 {
			missing = append(missing, key)
		} else {
			w.announce("", key)
		}
	}
	w.work()
	for i, key := range keys {
		if i%2 == 1 && i%3 == 0 {
			bare = append(bare, key)
			w.remove(w.thumbs.Key("small", key))
		}
	}
	w.clock.Add(time.Hour)
	found, report := w.found(reconcile.Plan{Apply: true}, reconcile.Controls{})
	var gotMissing, gotBare, refused []string
	for _, f := range found {
		switch {
		case f.Result == reconcile.Refused:
			require.Equal(t, "OWNER_MISSING", f.Code)
			refused = append(refused, f.Key)
		case f.Kind == reconcile.Missing:
			gotMissing = append(gotMissing, f.Key)
		case f.Kind == reconcile.Thumbnails:
			require.Equal(t, []string{"small"}, f.Presets)
			gotBare = append(gotBare, f.Key)
		}
	}
	require.Equal(t, missing, gotMissing)
	require.ElementsMatch(t, bare, gotBare)
	require.Equal(t, []string{"thumbs-of-others/x.jpg", "zoo.jpg"}, refused)
	require.EqualValues(t, len(keys)+2, report.Scanned)
	require.EqualValues(t, 2, report.Refused)

	w.work()
	w.clock.Add(time.Hour)
	found, _ = w.found(reconcile.Plan{Prefix: "users/"}, reconcile.Controls{})
	require.Empty(t, found)
	found, report = w.found(reconcile.Plan{Prefix: "users/o1/a"}, reconcile.Controls{})
	require.Empty(t, found)
	require.EqualValues(t, 13, report.Scanned)
}

func TestLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("users/o1/young.jpg", "users/o1/folder/")
	_, err := w.store.Put(t.Context(), bucket, "users/o1/empty/", nil, pipeline.PutOptions{})
	require.NoError(t, err)
	w.clock.Add(9 * time.Minute)
	found, report := w.found(reconcile.Plan{}, reconcile.Controls{})
	require.Empty(t, found)
	require.Equal(t, reconcile.Report{Scanned: 2, Settling: 2}, report)
	found, _ = w.found(reconcile.Plan{MinAge: time.Minute}, reconcile.Controls{})
	require.Len(t, found, 2)

	now := w.clock.Now()
	for name, c := range map[string]struct {
		since, until time.Time
		want         int
	}{
		"since before": {since: now.Add(-10 * time.Minute), want: 2},
		"since after":  {since: now.Add(-8 * time.Minute)},
		"until before": {until: now.Add(-10 * time.Minute)},
		"until after":  {until: now.Add(-8 * time.Minute), want: 2},
	} {
		found, _ := w.found(reconcile.Plan{MinAge: -1, Since: c.since, Until: c.until}, reconcile.Controls{})
		require.Len(t, found, c.want, name)
	}
}

// TestDeadSteps: what died waits for a person, and is said so.
func TestDeadSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("users/o1/a.jpg")
	w.announce("", "users/o1/a.jpg")
	w.work()
	w.remove("thumbs/small/users/o1/a.jpg.jpg")
	made, err := w.ledger.Late(t.Context(), &ledger.OpenAttempt{
		Run: pipeline.Run{UploadID: pipeline.UploadID(bucket, "users/o1/a.jpg"), Step: pipeline.StepThumbnail},
	}, true)
	require.NoError(t, err)
	a, err := w.ledger.Begin(t.Context(), made[0].Run, "w1", time.Minute)
	require.NoError(t, err)
	_, _, err = w.ledger.Bury(t.Context(), a, ledger.Death{Class: pipeline.Denied, Cause: errors.New("403")})
	require.NoError(t, err)
	w.clock.Add(time.Hour)
	found, report := w.found(reconcile.Plan{Apply: true}, reconcile.Controls{})
	require.Equal(t, reconcile.Dead, found[0].Result)
	require.EqualValues(t, 1, report.Refused)
}

// TestStorageAway: a busy object store is asked again, one that refuses is not.
func TestStorageAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("users/o1/a.jpg")
	w.clock.Add(time.Hour)
	require.NoError(t, w.cos.Close())
	_, err := w.Run(t.Context(), reconcile.Plan{Bucket: bucket}, reconcile.Controls{})
	require.Error(t, err)
	_, err = w.Run(t.Context(), reconcile.Plan{Bucket: "other-1250000000"}, reconcile.Controls{})
	require.Equal(t, pipeline.CodeUnknownBucket, pipeline.CodeOf(err))
	_, err = w.Run(t.Context(), reconcile.Plan{Bucket: bucket, Kinds: []reconcile.Kind{"ghosts"}}, reconcile.Controls{})
	require.ErrorContains(t, err, `no kind "ghosts"`)
}
