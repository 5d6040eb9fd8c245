package main

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
)

// backends are the names under which tests run on something real, in the order of the
// columns. A suite may name others: see backendOf.
var backends = []string{ //nolint:gochecknoglobals // a constant, if slices could be
	"sqlite", "postgres", "mariadb", "cloudbase", "cos", "miniredis", "redis", "tls", "socket", "sentinel", "cluster",
}

// wanted are the cells that a whole run has to fill, by package below the module.
var wanted = map[string][]string{ //nolint:gochecknoglobals // a constant, if maps could be
	"cmd/internal/wire": {"tls", "socket", "sentinel", "cluster"},
	"pipeline/ledger":   {"sqlite", "postgres", "mariadb"},
	"pipeline/objects":  {"cos", "cloudbase"},
	"pipeline/orders":   {"sqlite", "postgres", "mariadb", "cloudbase"},
	"pipeline/sqldb":    {"sqlite", "postgres", "mariadb"},
	"tasks":             {"miniredis", "redis", "cluster"},
	"worker":            {"miniredis", "redis", "cluster"},
}

const module = "github.com/afterput/afterput/"

// matrix counts the tests that passed, by package and back end.
type matrix map[string]map[string]int

// add takes the tests of a package that ended: true passed, false did not. Those that have
// subtests are not counted. A back end on which nothing passed has its cell too.
func (m matrix) add(pkg string, tests map[string]bool) {
	pkg = strings.TrimPrefix(pkg, module)
	row := map[string]int{}
	for _, b := range wanted[pkg] {
		row[b] = 0
	}
	parents, children := map[string]bool{}, map[string]map[string]bool{}
	for test := range tests {
		top, rest, _ := strings.Cut(test, "/")
		child, _, _ := strings.Cut(rest, "/")
		if slices.Contains(backends, child) {
			if children[top] == nil {
				children[top] = map[string]bool{}
			}
			children[top][child] = true
		}
		for at := test; strings.Contains(at, "/"); {
			at = at[:strings.LastIndex(at, "/")]
			parents[at] = true
		}
	}
	for test, passed := range tests {
		top, _, _ := strings.Cut(test, "/")
		b := backendOf(test, len(children[top]) > 1)
		if b == "" || parents[test] {
			continue
		}
		n := 0
		if passed {
			n = 1
		}
		row[b] += n
	}
	if len(row) > 0 {
		m[pkg] = row
	}
}

// inName finds a back end in the name of a test function: TestPostgres, TestRedisBySentinels.
var inName = regexp.MustCompile(`^Test\w*?(SQLite|Postgres|MariaDB|CloudBase|Sentinel|Cluster)|^TestRedis\w*(TLS|Socket)`)

// backendOf tells on which back end a test ran; "" is none, or no particular one. It is the
// first name below a test that is called TestSuite or that runs on several known back ends,
// or else stands in the name of the function.
func backendOf(test string, several bool) string {
	top, rest, _ := strings.Cut(test, "/")
	child, _, _ := strings.Cut(rest, "/")
	if child != "" && (top == "TestSuite" || several && slices.Contains(backends, child)) {
		return child
	}
	if m := inName.FindStringSubmatch(top); m != nil {
		return strings.ToLower(m[1] + m[2])
	}
	return ""
}

// empty names the cells that have no test that passed.
func (m matrix) empty() (cells []string) {
	for _, pkg := range slices.Sorted(maps.Keys(m)) {
		for _, b := range slices.Sorted(maps.Keys(m[pkg])) {
			if m[pkg][b] == 0 {
				cells = append(cells, pkg+" on "+b)
			}
		}
	}
	return cells
}

// print writes the table: a line for each package, a column for each back end.
func (m matrix) print(out io.Writer) {
	if len(m) == 0 {
		return
	}
	var columns, more []string
	for _, row := range m {
		for b := range row {
			if !slices.Contains(backends, b) && !slices.Contains(more, b) {
				more = append(more, b)
			}
		}
	}
	for _, b := range backends {
		for _, row := range m {
			if _, ok := row[b]; ok {
				columns = append(columns, b)
				break
			}
		}
	}
	slices.Sort(more)
	columns = append(columns, more...)
	t := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintf(t, "| passed on\t| %s\t|\n", strings.Join(columns, "\t| "))
	fmt.Fprintf(t, "|---\t%s|\n", strings.Repeat("|---\t", len(columns)))
	for _, pkg := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(t, "| %s\t", pkg)
		for _, b := range columns {
			cell := ""
			if n, ok := m[pkg][b]; ok {
				cell = fmt.Sprint(n)
			}
			fmt.Fprintf(t, "| %s\t", cell)
		}
		fmt.Fprintln(t, "|")
	}
	_ = t.Flush()
}
