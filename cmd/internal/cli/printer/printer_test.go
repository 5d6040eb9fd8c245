package printer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func columns() []printer.Column {
	return []printer.Column{
		{Key: "order"},
		{Key: "count", Right: true},
		{Key: "message", Title: "WHY"},
		{Key: "at"},
		{Key: "took"},
		{Key: "attached"},
		{Key: "images"},
	}
}

func rows() [][]any {
	at := time.Date(2026, 5, 4, 12, 1, 3, 120_000_000, time.FixedZone("CST", 8*3600))
	return [][]any{
		{"A12", 3, "ok", at, 1500 * time.Millisecond, true, []string{"cos://b/1.jpg", "cos://b/2.jpg"}},
		{"订单一", 1204, "<b> \x1b[31mred\x1b[0m\tand\n\u202egnp.exe \xff", time.Time{}, time.Duration(0), false, []string(nil)},
		{"é e\u0301 👍", 0, "", at, time.Second, true, nil},
	}
}

type thing struct {
	ID     string         `json:"id"`
	Size   int64          `json:"size"`
	Steps  []step         `json:"steps"`
	Images []string       `json:"images"`
	Empty  []string       `json:"empty"`
	Note   string         `json:"note,omitempty"`
	More   map[string]any `json:"more"`
}

type step struct {
	Step  string `json:"step"`
	State string `json:"state"`
}

func TestPrinter(t *testing.T) {
	t.Parallel()
	for _, format := range printer.Formats() {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			p := printer.New(&out, printer.Format(format), printer.Options{})
			require.NoError(t, p.Table("afterput.order.v1", columns(), rows()))
			require.NoError(t, p.Table("afterput.order.v1", columns(), nil))
			require.NoError(t, p.Object("afterput.upload.v1", thing{
				ID: "0f", Size: 1 << 60, Steps: []step{{"check", "done"}, {"attach", "pen\x1b]ding"}},
				Images: []string{"a", "b"}, More: map[string]any{"z": 1, "a": nil},
			}))
			require.NoError(t, p.Error(printer.Failure{
				Code: "config_invalid", ExitCode: 10, Message: "redis.url is not set\nbuckets is empty\x9b", Hint: "set it",
			}))
			golden(t, format+".golden", out.String())
			for _, r := range out.String() {
				require.True(t, r == '\n' || r == '\t' || r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f) && r != '\u202e', "%q", r)
			}
		})
	}
}

func TestJSONLinesAreJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := printer.New(&out, printer.JSONL, printer.Options{})
	s, err := p.Stream("afterput.replay.v1", []printer.Column{{Key: "id"}})
	require.NoError(t, err)
	require.NoError(t, s.Row("a"))
	require.Equal(t, 1, strings.Count(out.String(), "\n"), "a row is written at once")
	require.NoError(t, s.Row("b"))
	require.NoError(t, s.Close(map[string]any{"matched": 2, "failed": 0, "took": time.Second}))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for _, l := range lines {
		require.True(t, json.Valid([]byte(l)), l)
	}
	require.Equal(t, `{"type":"summary","schema":"afterput.replay.v1","count":2,"failed":0,"matched":2,"took":"1s"}`, lines[2])
}

func TestOptions(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := func() time.Time { return time.Date(2026, 5, 4, 5, 0, 0, 0, time.UTC) }
	opt := printer.Options{NoHeaders: true, Fields: []string{"at", "order"}, Time: "relative", Now: now}
	require.NoError(t, printer.New(&out, printer.Plain, opt).Table("s", columns(), rows()))
	require.Equal(t, "58m ago\tA12\n\t订单一\n58m ago\té e\u0301 👍\n", out.String())

	out.Reset()
	opt.Fields, opt.Time = []string{"at"}, "unix"
	require.NoError(t, printer.New(&out, printer.Table, opt).Table("s", columns(), rows()))
	require.Equal(t, "1777867263\n-\n1777867263\n", out.String())

	opt.Fields = []string{"nope"}
	err := printer.New(&out, printer.Table, opt).Table("s", columns(), nil)
	var fe *printer.FieldError
	require.ErrorAs(t, err, &fe)
	require.ErrorContains(t, err, "order,count,message")
}

func TestParseFormat(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		tty  bool
		want printer.Format
	}{{"", true, printer.Table}, {"", false, printer.Plain}, {"jsonl", true, printer.JSONL}} {
		got, err := printer.ParseFormat(tt.in, tt.tty)
		require.NoError(t, err)
		require.Equal(t, tt.want, got)
	}
	_, err := printer.ParseFormat("xml", true)
	require.ErrorContains(t, err, "table, json, jsonl, plain")
}

func TestWrong(t *testing.T) {
	t.Parallel()
	p := printer.New(&bytes.Buffer{}, printer.JSON, printer.Options{})
	require.ErrorContains(t, p.Object("s", []int{1}), "want an object")
	require.ErrorContains(t, p.Table("s", columns(), [][]any{{1}}), "1 values for 7 columns")

	broken := errors.New("broken pipe")
	p = printer.New(failing{broken}, printer.Plain, printer.Options{})
	require.ErrorIs(t, p.Table("s", columns(), rows()), broken)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestWidth(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int{"": 0, "abc": 3, "订单": 4, "e\u0301": 1, "한글": 4, "👍": 2, "ｆ": 2} {
		require.Equal(t, want, printer.Width(s), s)
	}
}
