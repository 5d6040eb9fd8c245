package checks

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

type rules struct {
	Groups []struct {
		Name  string `json:"name"`
		Rules []struct {
			Alert       string            `json:"alert"`
			Record      string            `json:"record"`
			Expr        string            `json:"expr"`
			For         string            `json:"for"`
			Labels      map[string]string `json:"labels"`
			Annotations map[string]string `json:"annotations"`
		} `json:"rules"`
	} `json:"groups"`
}

func readRules(t *testing.T) (r rules) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(deploy, "prometheus", "afterput.rules.yml"))
	require.NoError(t, err)
	require.NoError(t, yaml.UnmarshalStrict(raw, &r))
	return r
}

// TestRules has promtool read the rules and run their unit tests. Every alert has a
// runbook that exists and is expected to fire in one of the tests.
func TestRules(t *testing.T) {
	t.Parallel()
	promtool := tool(t, "promtool")
	dir := filepath.Join(deploy, "prometheus")
	for _, args := range [][]string{{"check", "rules", "afterput.rules.yml"}, {"test", "rules", "afterput.test.yml"}} {
		out, err := run(t, dir, os.Environ(), promtool, args...)
		require.NoError(t, err, out)
		require.Contains(t, out, "SUCCESS")
	}
	out, err := run(t, filepath.Join(deploy, "compose"), os.Environ(), promtool, "check", "config", "--syntax-only", "prometheus.yml")
	require.NoError(t, err, out)

	tests, err := os.ReadFile(filepath.Join(dir, "afterput.test.yml"))
	require.NoError(t, err)
	for _, g := range readRules(t).Groups {
		for _, r := range g.Rules {
			if r.Alert == "" {
				continue
			}
			require.Contains(t, []string{"page", "ticket"}, r.Labels["severity"], r.Alert)
			page, ok := strings.CutPrefix(r.Annotations["runbook_url"], "https://github.com/afterput/afterput/blob/main/deploy/")
			require.True(t, ok, r.Alert)
			require.FileExists(t, filepath.Join(deploy, page), r.Alert)
			fires := regexp.MustCompile(`alertname: ` + r.Alert + `\n\s+eval_time: \w+\n\s+exp_alerts:\n\s+- `)
			require.True(t, fires.Match(tests), "there is no test in which %s fires", r.Alert)
		}
	}
}

// documented are the metrics of deploy/docs/metrics.md, which a test of the project holds
// against the real /metrics.
func documented(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(deploy, "docs", "metrics.md"))
	require.NoError(t, err)
	var list []string
	for _, m := range regexp.MustCompile("`(afterput_[a-z0-9_]+)`").FindAllStringSubmatch(string(raw), -1) {
		list = append(list, m[1])
	}
	require.Greater(t, len(list), 15)
	return list
}

// named tells which metrics of ours a query names.
func named(query string) []string {
	var list []string
	for _, name := range regexp.MustCompile(`\bafterput_[a-z0-9_]+`).FindAllString(query, -1) {
		for _, end := range []string{"_bucket", "_count", "_sum"} {
			if before, ok := strings.CutSuffix(name, end); ok && strings.HasSuffix(before, "_seconds") {
				name = before
			}
		}
		list = append(list, name)
	}
	return list
}

func TestQueriesNameRealMetrics(t *testing.T) {
	t.Parallel()
	have := documented(t)
	queries := dashboard(t)
	for _, g := range readRules(t).Groups {
		for _, r := range g.Rules {
			queries = append(queries, r.Expr)
		}
	}
	for _, s := range build(t, "base").scaled {
		queries = append(queries, s.Spec.Triggers[1].Metadata["query"])
	}
	seen := 0
	for _, q := range queries {
		for _, name := range named(q) {
			require.True(t, slices.Contains(have, name), "%s is in no /metrics: %s", name, q)
			seen++
		}
	}
	require.Greater(t, seen, 50)
}

// dashboard gives the queries of the dashboard.
func dashboard(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(deploy, "grafana", "afterput.json"))
	require.NoError(t, err)
	var board struct {
		Panels []struct {
			ID      int    `json:"id"`
			Type    string `json:"type"`
			Title   string `json:"title"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	require.NoError(t, json.Unmarshal(raw, &board))
	var queries []string
	ids := make(map[int]bool)
	for _, p := range board.Panels {
		require.False(t, ids[p.ID], "two panels have the number %d", p.ID)
		ids[p.ID] = true
		require.Equal(t, p.Type == "row", len(p.Targets) == 0, p.Title)
		for _, q := range p.Targets {
			queries = append(queries, q.Expr)
		}
	}
	require.Greater(t, len(queries), 25)
	return queries
}

// TestDashboardQueries has promtool read each query, as the expression of a rule.
func TestDashboardQueries(t *testing.T) {
	t.Parallel()
	promtool := tool(t, "promtool")
	var text strings.Builder
	text.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for i, q := range dashboard(t) {
		expr, err := json.Marshal(strings.ReplaceAll(q, "$__rate_interval", "5m"))
		require.NoError(t, err)
		fmt.Fprintf(&text, "  - record: panel:%d\n    expr: %s\n", i, expr)
	}
	path := filepath.Join(t.TempDir(), "dashboard.yml")
	require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o600))
	out, err := run(t, ".", os.Environ(), promtool, "check", "rules", path)
	require.NoError(t, err, out)
}
