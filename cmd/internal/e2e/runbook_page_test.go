package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// section is one heading of a runbook with the commands below it.
type section struct{ title, commands string }

// runbook reads the sections of a page, with the values of its variables replaced. Every
// variable has to be one that the page sets.
func runbook(t *testing.T, page string, variables map[string]string) []section {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../../deploy/runbooks", page))
	require.NoError(t, err)
	text := string(raw)
	for name, value := range variables {
		line := regexp.MustCompile(`(?m)^` + name + `=\S+`)
		require.Len(t, line.FindAllString(text, -1), 1, "%s sets %s once", page, name)
		text = line.ReplaceAllLiteralString(text, name+"='"+value+"'")
	}
	var sections []section
	for _, part := range strings.Split(text, "\n## ")[1:] {
		title, body, _ := strings.Cut(part, "\n")
		s := section{title: title}
		for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(body, -1) {
			s.commands += block[1]
		}
		sections = append(sections, s)
	}
	return sections
}

// commandsOf gives the commands below a heading, which has to have some.
func commandsOf(t *testing.T, sections []section, title string) string {
	t.Helper()
	for _, s := range sections {
		if s.title == title {
			require.NotEmpty(t, s.commands, title)
			return s.commands
		}
	}
	t.Fatalf("the page has no %q", title)
	return ""
}

// shell types commands as a person does, in a shell that ends at the first that fails.
func (w *world) shell(t *testing.T, commands string) (output string, err error) {
	t.Helper()
	path, err := binary()
	require.NoError(t, err)
	cmd := exec.Command("sh", "-euc", commands)
	cmd.Dir = t.TempDir()
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "AFTERPUT_") && !strings.HasPrefix(kv, "PATH=") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "AFTERPUT_CONFIG="+w.file, "PATH="+filepath.Dir(path)+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w:\n%s\n%s", err, commands, out)
	}
	return string(out), err
}
