package tools_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/hooks"
)

// documents are the texts that users read.
func documents(t *testing.T) map[string]string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "deploy/docs/*.md"))
	require.NoError(t, err)
	runbooks, err := filepath.Glob(filepath.Join(root, "deploy/runbooks/*.md"))
	require.NoError(t, err)
	found = append(found, runbooks...)
	names := []string{"README.md", "README.zh-CN.md"}
	for _, name := range found {
		rel, err := filepath.Rel(root, name)
		require.NoError(t, err)
		names = append(names, filepath.ToSlash(rel))
	}
	texts := make(map[string]string)
	for _, name := range names {
		texts[name] = source(t, name)
	}
	return texts
}

func source(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return string(raw)
}

// sources joins the Go files of a folder that are no tests.
func sources(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	require.NoError(t, err)
	var all strings.Builder
	for _, name := range names {
		if !strings.HasSuffix(name, "_test.go") {
			raw, err := os.ReadFile(name)
			require.NoError(t, err)
			all.Write(raw)
		}
	}
	return all.String()
}

// matches gives the first group of every match.
func matches(pattern, text string) []string {
	var list []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	return list
}

// TestDocsLinks holds that links to files and their headings resolve.
func TestDocsLinks(t *testing.T) {
	t.Parallel()
	texts := documents(t)
	for name, text := range texts {
		for _, link := range matches(`\]\(([^)\s]+)\)`, text) {
			if strings.Contains(link, "://") {
				continue
			}
			file, heading, _ := strings.Cut(link, "#")
			target := path.Join(path.Dir(name), file)
			require.FileExists(t, filepath.Join(root, target), "%s links to %s", name, link)
			if heading != "" {
				require.Contains(t, anchors(texts[target]), heading, "%s links to %s", name, link)
			}
		}
	}
}

// anchors are the headings as they stand in links.
func anchors(text string) []string {
	list := matches(`(?m)^#+ (.+)$`, text)
	for i, heading := range list {
		plain := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(heading), "")
		list[i] = strings.ReplaceAll(plain, " ", "-")
	}
	return list
}

// TestDocsCommands holds that every command and flag that is shown exists.
func TestDocsCommands(t *testing.T) {
	t.Parallel()
	code := sources(t, "cmd/internal/cli")
	commands := append(matches(`Use:\s+"([a-z-]+)`, code), "completion", "help")
	flags := append(matches(`Var\w*\(&[^,]+, "([a-z-]+)"`, code), "help")
	shown := regexp.MustCompile(`(?m)(?:^|[\x60 /])afterput((?: -c \S+)?)((?: [a-z][a-z-]*)+)([^\x60\n]*)`)
	for name, text := range documents(t) {
		count := 0
		for _, m := range shown.FindAllStringSubmatch(codeOf(text), -1) {
			words := strings.Fields(m[2])
			if !slices.Contains(commands, words[0]) {
				t.Errorf("%s shows %q: there is no command %q", name, m[0], words[0])
			}
			if slices.Contains([]string{"config", "dead"}, words[0]) && len(words) > 1 && !slices.Contains(commands, words[1]) {
				t.Errorf("%s shows %q: there is no command %q", name, m[0], words[1])
			}
			used, _, _ := strings.Cut(m[3], " #")
			for _, flag := range matches(`--([a-z-]+)`, used) {
				if !slices.Contains(flags, flag) {
					t.Errorf("%s shows %q: there is no flag --%s", name, m[0], flag)
				}
			}
			count++
		}
		if strings.HasPrefix(name, "README") {
			require.Greater(t, count, 10, "%s shows commands", name)
		}
	}
}

// codeOf keeps what stands in shell blocks and between backticks.
func codeOf(text string) string {
	blocks := matches("(?s)```sh\n(.*?)```", text)
	rest := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
	for _, inline := range matches("`([^`\n]+)`", rest) {
		blocks = append(blocks, inline+"\n")
	}
	return strings.Join(blocks, "\n")
}

// TestDocsConfiguration holds configuration.md and the tables of the READMEs against the
// sample that config init writes.
func TestDocsConfiguration(t *testing.T) {
	t.Parallel()
	var sample map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(source(t, "deploy/afterput.yaml")), &sample))
	defaults := make(map[string]string)
	flatten(defaults, "", sample)
	keys := slices.Concat(
		matches(`yaml:"(\w+)"`, between(sources(t, "cmd/internal/config"), "type Bucket struct", "}\n")),
		matches(`yaml:"(\w+)"`, between(sources(t, "cmd/internal/config"), "type Key struct", "}\n")),
	)
	require.Len(t, keys, 23)

	reference := source(t, "deploy/docs/configuration.md")
	table := make(map[string]string)
	for _, row := range regexp.MustCompile(`(?m)^\| (.+?) \| (.*?) ?\| .* \|$`).FindAllStringSubmatch(reference, -1) {
		for _, key := range matches("`([^`]+)`", row[1]) {
			table[key] = strings.Trim(row[2], "`")
		}
	}
	for key, want := range defaults {
		have, ok := table[key]
		require.True(t, ok, "configuration.md does not name %s", key)
		if key != "thumbnails.presets" {
			require.Equal(t, want, have, key)
		}
	}
	for _, key := range keys {
		_, bucket := table["buckets[]."+key]
		_, keyOfAPI := table["auth.keys[]."+key]
		require.True(t, bucket || keyOfAPI, "configuration.md does not name %s of buckets or auth.keys", key)
	}
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		text := source(t, name)
		for section := range sample {
			require.Regexp(t, "(?m)^\\| `"+section+"[.`]", text, "the table of %s", name)
		}
		for _, row := range regexp.MustCompile("(?m)^\\| `([a-z]+\\.[a-zA-Z.]+)` \\| (.*?) ?\\| `(\\w+)` \\|").FindAllStringSubmatch(text, -1) {
			want, ok := defaults[row[1]]
			require.True(t, ok, "%s names %s", name, row[1])
			require.Equal(t, want, strings.Trim(row[2], "`"), "%s of %s", row[1], name)
			require.Equal(t, "AFTERPUT_"+screaming(row[1]), row[3], name)
		}
	}
}

func flatten(into map[string]string, prefix string, v map[string]any) {
	for key, value := range v {
		switch value := value.(type) {
		case map[string]any:
			flatten(into, prefix+key+".", value)
		case []any:
			texts := make([]string, len(value))
			for i, e := range value {
				texts[i] = fmt.Sprint(e)
			}
			if into[prefix+key] = strings.Join(texts, ", "); len(texts) == 0 {
				into[prefix+key] = "[]"
			}
		default:
			into[prefix+key] = fmt.Sprint(value)
		}
	}
}

func between(text, from, to string) string {
	_, rest, _ := strings.Cut(text, from)
	part, _, _ := strings.Cut(rest, to)
	return part
}

// screaming turns check.maxImageBytes into CHECK_MAX_IMAGE_BYTES.
func screaming(key string) string {
	apart := regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(key, "${1}_$2")
	return strings.ToUpper(strings.ReplaceAll(apart, ".", "_"))
}

// TestDocsCodes holds that codes.md has every code and class, and no other code.
func TestDocsCodes(t *testing.T) {
	t.Parallel()
	text := source(t, "deploy/docs/codes.md")
	var codes []string
	for _, dir := range []string{"pipeline", "producer", "producer/auth", "producer/events", "producer/sign"} {
		codes = append(codes, matches(`(?m)^\s+[cC]ode\w+\s+(?:pipeline\.)?(?:Code )?= "([A-Z_]+)"`, sources(t, dir))...)
	}
	require.Greater(t, len(codes), 30)
	for _, code := range codes {
		require.True(t, strings.Contains(text, "`"+code+"`"), "codes.md does not name %s", code)
	}
	for _, name := range []string{"deploy/docs/codes.md", "README.md", "README.zh-CN.md"} {
		for _, code := range matches("`([A-Z]+(?:_[A-Z]+)+)`", source(t, name)) {
			if !strings.HasPrefix(code, "AFTERPUT_") {
				require.Contains(t, codes, code, name)
			}
		}
	}
	for _, class := range pipeline.Classes() {
		require.True(t, strings.Contains(text, "| `"+string(class)+"` |"), "codes.md does not name the class %s", class)
	}
}

// TestDocsExitCodes holds the table of the READMEs against the constants.
func TestDocsExitCodes(t *testing.T) {
	t.Parallel()
	numbers := matches(`(?m)^\s+exit[A-Z]\w+\s+= (\d+)$`, sources(t, "cmd/internal/cli"))
	require.Greater(t, len(numbers), 10)
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		shown := matches(`\| (\d+) (?:\||[^|]+\|)`, source(t, name))
		for _, n := range numbers {
			require.Contains(t, shown, n, name)
		}
	}
}

// TestDocsWebhook holds that the webhooks that are shown are ones that we would send.
func TestDocsWebhook(t *testing.T) {
	t.Parallel()
	shown := 0
	for name, text := range documents(t) {
		for _, block := range matches("(?s)```json\n(.*?)```", text) {
			require.True(t, json.Valid([]byte(block)), "%s: %s", name, block)
			if !strings.Contains(block, `"type":`) || !strings.Contains(block, `"data":`) {
				continue
			}
			shown++
			if strings.Contains(block, `"`+pipeline.OrderUpdated+`"`) {
				event := shownWebhook[pipeline.OrderUpdate](t, name, block)
				require.Equal(t, event.Data.Event().Type, event.Type, name)
				continue
			}
			event := shownWebhook[pipeline.Outcome](t, name, block)
			require.Equal(t, event.Data.Type(), event.Type, name)
		}
	}
	require.Equal(t, 4, shown)

	// Those that a done upload cannot have stand in the table below the example.
	webhooks := source(t, "deploy/docs/webhooks.md")
	for f := range reflect.TypeFor[pipeline.Outcome]().Fields() {
		field, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if field != "-" {
			require.Regexp(t, `"`+field+`":|data\.`+field+"`", webhooks)
		}
	}
}

// shownWebhook reads a webhook that a document shows, and holds that nothing of it is lost.
func shownWebhook[T any](t *testing.T, name, block string) hooks.Event[T] {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(block))
	decoder.DisallowUnknownFields()
	var event hooks.Event[T]
	require.NoError(t, decoder.Decode(&event), name)
	ours, err := json.Marshal(event)
	require.NoError(t, err)
	require.JSONEq(t, string(ours), block, name)
	return event
}

// TestDocsSame holds that both READMEs show the same programs and outputs.
func TestDocsSame(t *testing.T) {
	t.Parallel()
	comment := regexp.MustCompile(`(?m)\s*(#|//|--) .*$`)
	block := "(?s)```(?:\\w+)\n(.*?)```"
	english, chinese := source(t, "README.md"), source(t, "README.zh-CN.md")
	require.Equal(t,
		comment.ReplaceAllString(strings.Join(matches(block, english), "\n"), ""),
		comment.ReplaceAllString(strings.Join(matches(block, chinese), "\n"), ""))
	require.Len(t, matches(`(?m)^(#+) `, chinese), len(matches(`(?m)^(#+) `, english)))
}
