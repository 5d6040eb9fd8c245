package ledgertest

import (
	"errors"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// byKey: pages come in the order of the keys' bytes, whatever the collation thinks.
func byKey(b *bench) {
	keys := []string{
		"users/o1/A.jpg", "users/o1/a", "users/o1/a b.jpg", "users/o1/a%20b.jpg", "users/o1/a+b.jpg", "users/o1/a-.jpg",
		"users/o1/a.jpg", "users/o1/a.jpg.jpg", "users/o1/é.jpg", "users/o1/中 文.jpg", "users/o1/😀.jpg", "users/o1/\uff5e.jpg",
		"users/o10/a.jpg", "users/o1", "Users/o1/a.jpg", "users/o1_/a.jpg",
	}
	for _, key := range keys {
		b.announce(photo(key))
	}
	other := photo("users/o1/b.jpg")
	other.Bucket = "other-1250000000"
	b.announce(other)
	slices.Sort(keys)

	for _, prefix := range []string{"", "users/o1/", "users/o1/a", "users/o1/中", "users/p"} {
		var want, got []string
		for _, key := range keys {
			if len(key) >= len(prefix) && key[:len(prefix)] == prefix {
				want = append(want, key)
			}
		}
		r := ledger.KeyRange{Bucket: bucket, Prefix: prefix, Limit: 3}
		for {
			page, err := b.UploadsByKey(b.t.Context(), r)
			require.NoError(b.t, err)
			for _, u := range page {
				got = append(got, u.Key)
				require.Len(b.t, u.Steps, 1)
			}
			if len(page) < r.Limit {
				break
			}
			r.After = page[len(page)-1].Key
		}
		require.Equal(b.t, want, got, "prefix %q", prefix)
	}
}

func byKeyLinks(b *bench) {
	id := b.linked("users/o1/a.jpg")
	other := photo("users/o1/a.jpg")
	other.Order = "A2"
	b.announce(other)
	b.check(id, "e1", "image/jpeg", pipeline.Private, "")
	page, err := b.UploadsByKey(b.t.Context(), ledger.KeyRange{Bucket: bucket})
	require.NoError(b.t, err)
	require.Len(b.t, page, 1)
	require.Len(b.t, page[0].Steps, 5, "check, thumbnail, warm and two attaches")
	require.Equal(b.t, "A1", page[0].Unattached[0].Order)
	require.Equal(b.t, "A2", page[0].Unattached[1].Order)
	require.Equal(b.t, "e1", page[0].Content.ETag)

	st, err := b.LockOrder(b.t.Context(), "A1", "h")
	require.NoError(b.t, err)
	st.Links[0].Attached = true
	_, err = b.CommitOrder(b.t.Context(), "A1", "h", pipeline.OrderCommit{Links: st.Links})
	require.NoError(b.t, err)
	page, err = b.UploadsByKey(b.t.Context(), ledger.KeyRange{Bucket: bucket})
	require.NoError(b.t, err)
	require.Len(b.t, page[0].Unattached, 1)
	require.Equal(b.t, "A2", page[0].Unattached[0].Order)
}

// reconsider: what ended runs again; what runs anyway or died is left alone.
func reconsider(b *bench) {
	ctx := b.t.Context()
	id := b.linked("users/o1/a.jpg")
	check := pipeline.Run{UploadID: id, Step: pipeline.StepCheck}
	made, err := b.Reconsider(ctx, check)
	require.NoError(b.t, err)
	require.Empty(b.t, made, "it is pending")

	b.check(id, "e1", "image/jpeg", pipeline.Private, "")
	for _, want := range []int{1, 0} {
		made, err = b.Reconsider(ctx, check)
		require.NoError(b.t, err)
		require.Len(b.t, made, want)
	}
	require.Equal(b.t, 2, b.step(id, pipeline.StepCheck, "").Gen)

	never := pipeline.Run{UploadID: id, Step: pipeline.StepAttach, Scope: "A7"}
	made, err = b.Reconsider(ctx, never)
	require.NoError(b.t, err)
	require.Equal(b.t, 1, made[0].Gen)

	a := b.begin(id, pipeline.StepAttach, "A7")
	_, _, err = b.Bury(ctx, a, ledger.Death{Class: pipeline.Denied, Cause: errors.New("403")})
	require.NoError(b.t, err)
	made, err = b.Reconsider(ctx, never)
	require.NoError(b.t, err)
	require.Empty(b.t, made, "a letter is open")
	_, err = b.Reconsider(ctx, pipeline.Run{UploadID: "nobody", Step: pipeline.StepCheck})
	require.ErrorIs(b.t, err, ledger.ErrNotFound)
}

// regenerate: thumbnails that ended run again with what may be kept of them; others are
// left alone, and any other wish trusts nothing.
func regenerate(b *bench) {
	ctx := b.t.Context()
	id := b.linked("users/o1/a.jpg")
	run := pipeline.Run{UploadID: id, Step: pipeline.StepThumbnail}
	result := func(etag string) pipeline.ThumbnailResult {
		return pipeline.ThumbnailResult{ETag: etag, Specs: map[string]string{"small": "a", "large": "b"}}
	}
	again := func(want int, take bool) {
		made, err := b.Regenerate(ctx, id, func(s pipeline.StepRecord) (pipeline.ThumbnailResult, bool) {
			require.Contains(b.t, string(s.Result), `"etag":"e1"`)
			return result("e1").Without([]string{"large"}), take
		})
		require.NoError(b.t, err)
		require.Len(b.t, made, want)
	}
	_, err := b.Regenerate(ctx, id, nil)
	require.ErrorIs(b.t, err, ledger.ErrNotFound, "no check has taken it up")
	b.check(id, "e1", "image/jpeg", pipeline.Private, "")
	made, err := b.Regenerate(ctx, id, nil)
	require.NoError(b.t, err)
	require.Empty(b.t, made, "it is pending")
	b.finish(b.begin(id, pipeline.StepThumbnail, ""), pipeline.StepResult{State: pipeline.Done, Result: result("e1")})

	again(0, false)
	again(1, true)
	kept := b.begin(id, pipeline.StepThumbnail, "")
	require.JSONEq(b.t, `{"thumbnails":null,"etag":"e1","specs":{"small":"a"}}`, string(kept.Kept))
	require.Equal(b.t, 2, kept.Gen)
	b.finish(kept, pipeline.StepResult{State: pipeline.Done, Result: result("e1")})

	_, err = b.Reconsider(ctx, run)
	require.NoError(b.t, err)
	whole := b.begin(id, pipeline.StepThumbnail, "")
	require.Empty(b.t, whole.Kept)
	b.finish(whole, pipeline.StepResult{State: pipeline.Done, Result: result("e1")})

	_, err = b.Reconsider(ctx, pipeline.Run{UploadID: id, Step: pipeline.StepCheck})
	require.NoError(b.t, err)
	b.check(id, "e1", "image/jpeg", pipeline.Private, pipeline.CodeTooLarge)
	b.finish(b.begin(id, pipeline.StepThumbnail, ""), pipeline.StepResult{State: pipeline.Skipped})
	made, err = b.Regenerate(ctx, id, nil)
	require.NoError(b.t, err)
	require.Empty(b.t, made, "it is rejected")
}
