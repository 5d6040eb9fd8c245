package chaos

import (
	"bytes"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Every picture is told by its hue, also after JPEG and resizing have been at it.
func TestHues(t *testing.T) {
	t.Parallel()
	for want, raw := range pictures() {
		img, err := jpeg.Decode(bytes.NewReader(raw))
		require.NoError(t, err)
		require.Equal(t, want, hueOf(img))
		require.Empty(t, wrong(raw, 400, 300, want))
		require.Contains(t, wrong(raw, 400, 300, (want+1)%len(hues)), "instead of")
		require.Contains(t, wrong(raw, 160, 160, want), "larger")
		require.Contains(t, wrong(raw[:len(raw)/2], 400, 300, want), "cannot be decoded")
	}
	require.Contains(t, wrong(photos()[0], 9999, 9999, -1), "EXIF")
}

// What was sent is read back as anyone would read it, with what was answered.
func TestSent(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sent.jsonl")
	r, err := newRecord(path)
	require.NoError(t, err)
	first, err := r.add(Sent{Key: "a", Expect: ExpectDone, Slot: 3})
	require.NoError(t, err)
	second, err := r.add(Sent{Key: "b", Expect: ExpectMissing})
	require.NoError(t, err)
	require.NoError(t, r.answered(first.N, 503))
	require.NoError(t, r.answered(second.N, 202))
	require.NoError(t, r.f.Close())

	sent, accepted, err := ReadSent(path)
	require.NoError(t, err)
	require.Equal(t, []Sent{first, second}, sent)
	require.Equal(t, map[int]bool{second.N: true}, accepted)

	require.NoError(t, os.WriteFile(path, []byte("{\n"), 0o600))
	_, _, err = ReadSent(path)
	require.Error(t, err)
}

// A run passes with zeros and a fault that fired; a control passes when a count is not zero.
func TestPassed(t *testing.T) {
	t.Parallel()
	hit := map[string]int{"kill": 1}
	for name, tt := range map[string]struct {
		r    Result
		want bool
	}{
		"zeros":              {Result{Fired: hit}, true},
		"never fired":        {Result{}, false},
		"lost":               {Result{Fired: hit, Counts: Counts{Lost: 1}}, false},
		"innocent letter":    {Result{Fired: hit, Counts: Counts{Letters: 1}}, false},
		"error":              {Result{Fired: hit, Err: ErrNoRow}, false},
		"control that fails": {Result{Row: Row{Control: true}, Fired: hit, Counts: Counts{Stuck: 1}}, true},
		"control of zeros":   {Result{Row: Row{Control: true}, Fired: hit}, false},
	} {
		require.Equal(t, tt.want, tt.r.Passed(), name)
	}
}

// The table has a line for each row, and a row fails with its first bad seed.
func TestTable(t *testing.T) {
	t.Parallel()
	hit := map[string]int{"kill": 2}
	a, b := Row{ID: "1", Name: "kill"}, Row{ID: "2", Name: "wipe"}
	var out strings.Builder
	passed, failed, err := Table(&out, []Result{
		{Row: a, On: a.on(Backends{}), Seed: 1, Fired: hit, Accepted: 10, Recovery: time.Second},
		{Row: a, On: a.on(Backends{}), Seed: 2, Fired: hit, Accepted: 20, Recovery: 3 * time.Second, PeakRSS: 50 << 20},
		{Row: b, Seed: 1, Fired: hit, Counts: Counts{Lost: 1, Stuck: 2}},
	})
	require.NoError(t, err)
	require.Equal(t, []int{1, 1}, []int{passed, failed})
	require.Regexp(t, `\| 1 +\| kill +\| sqlite, plain +\| 2 +\| 30 +\| all zero +\| kill:4 +\| 3\.0 +\| 0 +\| 50 +\|`, out.String())
	require.Contains(t, out.String(), "FAIL: lost 1 stuck 2")
}

// The short form has the rows that every change runs, and three controls.
func TestForms(t *testing.T) {
	t.Parallel()
	ids := func(o Options) (ids []string) {
		rows, err := o.chosen()
		require.NoError(t, err)
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		return ids
	}
	require.Equal(t, []string{"1", "2", "3", "6", "8", "7", "15", "13", "20", "21", "34", "C1", "C2", "C3"}, ids(Options{}))
	require.Subset(t, ids(Options{Long: true}), strings.Split("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 31 33 34 M C1 C2 C3 C4 C5", " "))
	require.Equal(t, []string{"19"}, ids(Options{Rows: []string{"19"}}))
	_, err := Options{Rows: []string{"99"}}.chosen()
	require.ErrorIs(t, err, ErrNoRow)
}

// A row runs on what was asked for where it can, and else on what it is made for.
func TestOn(t *testing.T) {
	t.Parallel()
	open, choosy := Row{}, Row{Ledgers: []string{Postgres, MariaDB}, Redises: []string{Sentinel}}
	for _, tt := range []struct {
		row         Row
		asked, want Backends
	}{
		{open, Backends{}, Backends{SQLite, Plain}},
		{open, Backends{Ledger: Postgres, Redis: Sentinel}, Backends{Postgres, Sentinel}},
		{choosy, Backends{}, Backends{Postgres, Sentinel}},
		{choosy, Backends{Ledger: MariaDB, Redis: Plain}, Backends{MariaDB, Sentinel}},
		{choosy, Backends{Ledger: SQLite}, Backends{Postgres, Sentinel}},
	} {
		require.Equal(t, tt.want, tt.row.on(tt.asked))
		require.NoError(t, tt.asked.check())
	}
	for _, asked := range []Backends{{Ledger: "oracle"}, {Redis: "cluster"}} {
		_, err := Run(t.Context(), Options{On: asked, Dir: t.TempDir(), Progress: t.Output()})
		require.ErrorIs(t, err, ErrNoBackend)
	}
}

// What would end a test is an error for the battery, and what was begun is ended.
func TestHost(t *testing.T) {
	t.Parallel()
	h := newHost(t.Context(), t.TempDir())
	var ended []int
	for i := range 3 {
		require.NoError(t, h.do(func() { h.Cleanup(func() { ended = append(ended, i) }) }))
	}
	require.NoError(t, h.do(func() {
		first, second := h.TempDir(), h.TempDir()
		require.DirExists(h, first)
		require.NotEqual(h, first, second)
	}))
	require.ErrorContains(t, h.do(func() { require.Equal(h, 1, 2) }), "expected: 1")
	require.EqualError(t, h.do(func() { h.Skip("there is no postgres") }), "there is no postgres")
	require.Error(t, h.do(h.FailNow))
	require.NoError(t, h.do(func() {}), "errors are told once")
	h.close()
	require.Equal(t, []int{2, 1, 0}, ended)
}
