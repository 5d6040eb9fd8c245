package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCounter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in, last string
		ok             bool
		shows, hides   []string
	}{
		{
			name: "passed, with a subtest and a skip",
			in: `{"Action":"start","Package":"a"}
{"Action":"run","Package":"a","Test":"T"}
{"Action":"run","Package":"a","Test":"T/x"}
{"Action":"output","Package":"a","Test":"T/x","Output":"noise\n"}
{"Action":"pass","Package":"a","Test":"T/x"}
{"Action":"pass","Package":"a","Test":"T"}
{"Action":"run","Package":"a","Test":"S"}
{"Action":"output","Package":"a","Test":"S","Output":"    s_test.go:1: no redis-server\n"}
{"Action":"skip","Package":"a","Test":"S"}
{"Action":"pass","Package":"a","Elapsed":1.25}
{"Action":"skip","Package":"b"}`,
			last: "2 passed, 0 failed, 1 skipped", ok: true,
			shows: []string{"ok    a  2 tests  1.2s", "skipped: a S: s_test.go:1: no redis-server"}, hides: []string{"noise"},
		},
		{
			name: "failed",
			in: `{"Action":"run","Package":"a","Test":"T"}
{"Action":"output","Package":"a","Test":"T","Output":"=== RUN   T\n"}
{"Action":"output","Package":"a","Test":"T","Output":"    a_test.go:3: want 1\n"}
{"Action":"fail","Package":"a","Test":"T"}
{"Action":"fail","Package":"a"}`,
			last: "0 passed, 1 failed, 0 skipped", shows: []string{"--- FAIL: a T\n    a_test.go:3: want 1\n"}, hides: []string{"=== RUN"},
		},
		{
			name: "does not build",
			in: `{"ImportPath":"a [a.test]","Action":"build-output","Output":"a.go:1: syntax error\n"}
{"ImportPath":"a [a.test]","Action":"build-fail"}
{"Action":"output","Package":"a","Output":"FAIL\ta [build failed]\n"}
{"Action":"fail","Package":"a","FailedBuild":"a [a.test]"}
{"Action":"run","Package":"b","Test":"T"}
{"Action":"pass","Package":"b","Test":"T"}
{"Action":"pass","Package":"b"}`,
			last: "1 passed, 1 failed, 0 skipped", shows: []string{"a.go:1: syntax error"},
		},
		{
			name: "ended in the middle",
			in: `{"Action":"run","Package":"a","Test":"T"}
{"Action":"output","Package":"a","Output":"panic: x\n"}
{"Action":"fail","Package":"a"}`,
			last: "0 passed, 1 failed, 0 skipped", shows: []string{"--- FAIL: a T", "panic: x\n"},
		},
		{
			name: "stream cut",
			in:   `{"Action":"run","Package":"a","Test":"T"}`,
			last: "0 passed, 1 failed, 0 skipped",
		},
		{
			name: "no event at all", in: "go: cannot find main module", last: "0 passed, 0 failed, 0 skipped",
			shows: []string{"go: cannot find main module\nno test ran"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			c := newCounter(&out)
			require.NoError(t, c.read(strings.NewReader(tt.in)))
			require.Equal(t, tt.ok, c.finish())
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			require.Equal(t, tt.last, lines[len(lines)-1])
			for _, s := range tt.shows {
				require.Contains(t, out.String(), s)
			}
			for _, s := range tt.hides {
				require.NotContains(t, out.String(), s)
			}
		})
	}
}
