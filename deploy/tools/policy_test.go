package tools_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

// TestVersions holds the least versions of dependencies, because vulnerability databases
// cannot be reached where this is built. Each line names what the older ones have.
func TestVersions(t *testing.T) {
	t.Parallel()
	least := map[string]string{
		"go":                                "1.26.6",  // CVE-2026-56853, CVE-2026-56859
		"github.com/redis/go-redis/v9":      "v9.7.3",  // CVE-2025-29923
		"golang.org/x/image":                "v0.45.0", // CVE-2026-46603
		"golang.org/x/net":                  "v0.53.0", // CVE-2026-33814
		"google.golang.org/protobuf":        "v1.33.0", // CVE-2024-24786
		"github.com/golang-jwt/jwt/v5":      "v5.2.2",  // CVE-2025-30204
		"github.com/jackc/pgx/v5":           "v5.9.2",  // CVE-2026-41889
		"gopkg.in/yaml.v3":                  "v3.0.1",  // CVE-2022-28948
		"go.opentelemetry.io/otel":          "v1.44.0", // CVE-2026-41178
		"github.com/disintegration/imaging": "v1.6.2",
	}
	// Another version of these is known not to work.
	exact := map[string]string{
		"github.com/tencentyun/cos-go-sdk-v5": "v0.7.75",
		"modernc.org/sqlite":                  "v1.60.1",
	}
	have := required(t)
	for _, name := range []string{"go", "github.com/redis/go-redis/v9", "golang.org/x/image"} {
		require.Contains(t, have, name, "go.mod requires it")
	}
	for name, version := range have {
		if want, ok := least[name]; ok {
			require.GreaterOrEqual(t, slices.Compare(numbers(version), numbers(want)), 0, "%s is %s, want at least %s", name, version, want)
		}
		if want, ok := exact[name]; ok {
			require.Equal(t, want, version, name)
		}
	}
}

// required reads the versions from go.mod: name to version, and "go" for the language.
func required(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	have := make(map[string]string)
	for line := range strings.SplitSeq(string(raw), "\n") {
		words := strings.Fields(strings.TrimPrefix(line, "require "))
		if len(words) >= 2 && (words[0] == "go" || strings.HasPrefix(words[1], "v")) {
			have[words[0]] = words[1]
		}
	}
	return have
}

// numbers gives the three numbers of a version; a pseudo-version counts as its base.
func numbers(version string) []int {
	base, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), "-")
	list := []int{0, 0, 0}
	for i, part := range strings.SplitN(base, ".", len(list)) {
		list[i], _ = strconv.Atoi(part)
	}
	return list
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	require.Equal(t, []int{1, 26, 6}, numbers("1.26.6"))
	require.Equal(t, []int{0, 0, 0}, numbers("v0.0.0-20250603155806-513f23925822"))
	require.Positive(t, slices.Compare(numbers("v9.23.0"), numbers("v9.7.3")))
}

// TestPackageComments holds that every package says what it is for, in doc.go or, for a
// command, above main.
func TestPackageComments(t *testing.T) {
	t.Parallel()
	documented := make(map[string]bool)
	walk(t, func(path string, _ fs.DirEntry) {
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.PackageClauseOnly|parser.ParseComments)
		require.NoError(t, err)
		dir, name := filepath.Split(path)
		home := name == "doc.go" || f.Name.Name == "main"
		documented[dir] = documented[dir] || home && f.Doc != nil && len(f.Doc.Text()) > 20
	})
	for dir, ok := range documented {
		require.True(t, ok, "%s has no doc.go with a package comment", dir)
	}
}

func TestTopLevel(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	for _, e := range entries {
		// bin is where the Makefile builds; git ignores it.
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "bin" {
			require.Contains(t, []string{"cmd", "deploy", "pipeline", "producer", "tasks", "worker"}, e.Name())
		}
	}
}

// TestNothingOutside holds that no file names places on somebody's own machine.
func TestNothingOutside(t *testing.T) {
	t.Parallel()
	// In pieces, so that this file passes its own test.
	outside := regexp.MustCompile(`\.\.` + `/shared|/` + `work/|/` + `root/(go|\.)`)
	walk(t, func(path string, e fs.DirEntry) {
		info, err := e.Info()
		require.NoError(t, err)
		if !info.Mode().IsRegular() || info.Size() > 1<<20 {
			return
		}
		raw, err := os.ReadFile(filepath.Join(root, path))
		require.NoError(t, err)
		require.Empty(t, string(outside.Find(raw)), "%s names a place outside the repository", path)
	})
}

// walk visits the files of the repository: not those of git, of builds and of dev worlds.
func walk(t *testing.T, visit func(path string, e fs.DirEntry)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if slices.Contains([]string{".git", "bin", ".afterput", "node_modules"}, e.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if path == ".git" { // a worktree has a file in place of the folder
			return nil
		}
		visit(path, e)
		return nil
	})
	require.NoError(t, err)
}
