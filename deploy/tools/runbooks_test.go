package tools_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRunbooks holds that the index names every page, that each page says what it means,
// how to see it, what to type and when it is over, that it is short, and that the log
// lines it quotes are ones that we write.
func TestRunbooks(t *testing.T) {
	t.Parallel()
	index := source(t, "deploy/runbooks/README.md")
	written := everySource(t)
	pages, err := filepath.Glob(filepath.Join(root, "deploy/runbooks/*.md"))
	require.NoError(t, err)
	quoted := 0
	for _, path := range pages {
		name := filepath.Base(path)
		if name == "README.md" || name == "reliability.md" {
			continue
		}
		text := source(t, "deploy/runbooks/"+name)
		require.Contains(t, index, "]("+name+")", "the index names %s", name)
		require.Contains(t, text, "**What it means.**", name)
		if name != "ledger-restore.md" { // a procedure, with a heading for each step
			require.LessOrEqual(t, strings.Count(text, "\n"), 60, "%s is too long for three in the morning", name)
			for _, part := range []string{"**See it.**", "**Type.**", "**Over when**"} {
				require.Contains(t, text, part, name)
			}
		}
		for line := range strings.SplitSeq(text, "\n") {
			_, said, ok := strings.Cut(line, "og says")
			if !ok {
				continue
			}
			for _, message := range matches("`([^`]+)`", said) {
				if strings.Contains(message, "/") {
					continue
				}
				quoted++
				require.Contains(t, written, `"`+message+`"`, "%s: no such line is logged", name)
			}
		}
	}
	require.Positive(t, quoted)
}

// everySource joins all Go files that are no tests.
func everySource(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, dir := range []string{"cmd", "pipeline", "producer", "tasks", "worker"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			raw, err := os.ReadFile(path)
			all.Write(raw)
			return err
		}))
	}
	return all.String()
}
