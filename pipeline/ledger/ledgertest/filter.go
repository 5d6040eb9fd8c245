package ledgertest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// bury announces a key for an order, lets its check die and gives the letter's ID.
func (b *bench) bury(key, order string, class pipeline.Class, msg string) int64 {
	b.t.Helper()
	ann := pipeline.Announcement{Bucket: "b-1", Key: key, FileID: "cos://b-1/" + key, Order: order}
	res, err := b.Announce(b.t.Context(), "", []pipeline.Announcement{ann})
	require.NoError(b.t, err)
	id := res.Wishes[0].UploadID
	letter, _, err := b.Bury(b.t.Context(), b.begin(id, pipeline.StepCheck, ""), ledger.Death{Class: class, Cause: errors.New(msg)})
	require.NoError(b.t, err)
	b.clock.Add(time.Minute)
	return letter
}

func letterFilters(b *bench) {
	ctx, start := b.t.Context(), b.clock.Now()
	one := b.bury("users/o1/1.jpg", "A1", pipeline.Denied, `key "a" is refused`)
	two := b.bury("users/o2/2.jpg", "", pipeline.Denied, `key "b" is refused`)
	three := b.bury("照片/o3/3.jpg", "A1", pipeline.Missing, "404 for 50%")
	require.NoError(b.t, b.BuryRaw(ctx, "other:task", []byte("?"), errors.New("unknown task type")))
	all, err := b.Letters(ctx, ledger.LetterFilter{})
	require.NoError(b.t, err)
	require.Len(b.t, all, 4)
	raw, owner := all[3].ID, all[0].Owner

	for name, c := range map[string]struct {
		f    ledger.LetterFilter
		want []int64
	}{
		"all":         {ledger.LetterFilter{}, []int64{one, two, three, raw}},
		"ids":         {ledger.LetterFilter{IDs: []int64{three, one, 4711}}, []int64{one, three}},
		"group":       {ledger.LetterFilter{Groups: []string{all[0].Fingerprint}}, []int64{one, two}},
		"groups":      {ledger.LetterFilter{Groups: []string{all[0].Fingerprint, all[3].Fingerprint}}, []int64{one, two, raw}},
		"step":        {ledger.LetterFilter{Steps: []pipeline.Step{pipeline.StepCheck}}, []int64{one, two, three}},
		"class":       {ledger.LetterFilter{Classes: []pipeline.Class{pipeline.Missing, pipeline.Bug}}, []int64{three, raw}},
		"match":       {ledger.LetterFilter{Match: regexp.MustCompile(`"[b-z]"|50%$`)}, []int64{two, three}},
		"order":       {ledger.LetterFilter{Order: "A1"}, []int64{one, three}},
		"prefix":      {ledger.LetterFilter{Prefix: "users/"}, []int64{one, two}},
		"prefix 照":    {ledger.LetterFilter{Prefix: "照片/"}, []int64{three}},
		"prefix %":    {ledger.LetterFilter{Prefix: "%"}, nil},
		"since":       {ledger.LetterFilter{Since: start.Add(2 * time.Minute)}, []int64{three, raw}},
		"until":       {ledger.LetterFilter{Until: start.Add(time.Minute)}, []int64{one}},
		"attempts":    {ledger.LetterFilter{MinAttempts: 2}, nil},
		"state":       {ledger.LetterFilter{State: pipeline.LetterResolved}, nil},
		"all at once": {ledger.LetterFilter{State: pipeline.LetterOpen, Order: "A1", Prefix: "users/", MinAttempts: 1}, []int64{one}},
		"to":          {ledger.LetterFilter{To: two}, []int64{one, two}},
	} {
		letters, err := b.Letters(ctx, c.f)
		require.NoError(b.t, err, name)
		require.Equal(b.t, c.want, idsOf(letters), name)
		span, err := b.CountLetters(ctx, c.f)
		require.NoError(b.t, err, name)
		require.Equal(b.t, len(c.want), span.Count, name)
		if n := len(letters); n > 0 {
			require.Equal(b.t, ledger.LetterSpan{Count: n, LastID: letters[n-1].ID, LastDied: letters[n-1].DiedAt}, span, name)
		}
	}
	byOwner, err := b.Letters(ctx, ledger.LetterFilter{Owner: owner, UploadID: all[0].UploadID})
	require.NoError(b.t, err)
	require.Equal(b.t, []int64{one}, idsOf(byOwner))
}

func letterPages(b *bench) {
	ctx := b.t.Context()
	var want []int64
	for i := range 23 {
		want = append(want, b.bury(fmt.Sprintf("users/o1/%d.jpg", i), "", pipeline.Denied, fmt.Sprintf("refused %d", i)))
	}
	for _, f := range []ledger.LetterFilter{{Limit: 1}, {Limit: 5}, {Limit: 23}, {Limit: 5, Match: regexp.MustCompile("refused")}} {
		var got []int64
		require.NoError(b.t, b.EachLetter(ctx, f, func(l pipeline.Letter) error {
			got = append(got, l.ID)
			return nil
		}))
		require.Equal(b.t, want, got)

		f.Newest, got = true, nil
		require.NoError(b.t, b.EachLetter(ctx, f, func(l pipeline.Letter) error {
			got = append(got, l.ID)
			return nil
		}))
		slices.Reverse(got)
		require.Equal(b.t, want, got)
		span, err := b.CountLetters(ctx, f)
		require.NoError(b.t, err)
		require.Equal(b.t, want[22], span.LastID)
	}
	page, err := b.Letters(ctx, ledger.LetterFilter{Match: regexp.MustCompile("refused .[02468]$"), Limit: 3})
	require.NoError(b.t, err)
	require.Equal(b.t, []int64{want[10], want[12], want[14]}, idsOf(page))
	page, err = b.Letters(ctx, ledger.LetterFilter{Match: regexp.MustCompile("refused .[02468]$"), Limit: 3, After: want[14]})
	require.NoError(b.t, err)
	require.Equal(b.t, []int64{want[16], want[18], want[20]}, idsOf(page))
	stop := errors.New("enough")
	require.ErrorIs(b.t, b.EachLetter(ctx, ledger.LetterFilter{}, func(pipeline.Letter) error { return stop }), stop)
}

func letterGroups(b *bench) {
	ctx, start := b.t.Context(), b.clock.Now()
	rare := b.bury("users/o1/0.jpg", "", pipeline.Missing, "404")
	sample := b.bury("users/o1/1.jpg", "", pipeline.Denied, `key "a" is refused`)
	b.bury("users/o2/2.jpg", "", pipeline.Denied, `key "b" is refused`)
	b.bury("users/o2/3.jpg", "", pipeline.Denied, `key "c" is refused`)
	for _, f := range []ledger.LetterFilter{{}, {Match: regexp.MustCompile("")}} {
		groups, err := b.LetterGroups(ctx, f)
		require.NoError(b.t, err)
		require.Len(b.t, groups, 2)
		big := groups[0]
		require.NotEmpty(b.t, big.Fingerprint)
		big.Fingerprint, big.Owners = "", 0
		require.Equal(b.t, ledger.LetterGroup{
			Class: pipeline.Denied, Step: pipeline.StepCheck, Count: 3,
			First: start.Add(time.Minute), Last: start.Add(3 * time.Minute), Sample: sample, Error: `key "a" is refused`,
		}, big)
		require.Equal(b.t, rare, groups[1].Sample)
	}
	one, err := b.LetterGroups(ctx, ledger.LetterFilter{Match: regexp.MustCompile(`"[bc]"|404`), Limit: 1})
	require.NoError(b.t, err)
	require.Len(b.t, one, 1)
	require.Equal(b.t, 2, one[0].Count)
	none, err := b.LetterGroups(ctx, ledger.LetterFilter{State: pipeline.LetterDiscarded})
	require.NoError(b.t, err)
	require.Empty(b.t, none)
}

func idsOf(letters []pipeline.Letter) []int64 {
	var ids []int64
	for _, l := range letters {
		ids = append(ids, l.ID)
	}
	return ids
}
