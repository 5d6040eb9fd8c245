package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// event is a line of go test -json (go doc test2json), with the build events of go build -json.
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

type counter struct {
	out                     io.Writer
	passed, failed, skipped int
	packages                map[string]*pkg
	builds                  map[string]*strings.Builder
	skips                   []string
	table                   matrix
	// strict makes an empty cell of the table a failure.
	strict bool
}

// pkg is what is known of a package while its tests run.
type pkg struct {
	output  map[string]*strings.Builder // by test; "" is the package's own
	running map[string]bool
	ended   map[string]bool // true: it passed
	passed  int
	failed  int
}

func newCounter(out io.Writer) *counter {
	return &counter{out: out, table: matrix{}, packages: make(map[string]*pkg), builds: make(map[string]*strings.Builder)}
}

// read takes events until the end. A line that is no event is printed as it is.
func (c *counter) read(in io.Reader) error {
	r := bufio.NewReader(in)
	for {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil && e.Action != "" {
				c.event(e)
			} else {
				fmt.Fprintf(c.out, "%s\n", strings.TrimRight(string(line), "\n"))
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (c *counter) event(e event) {
	if e.Action == "build-output" {
		write(c.builds, e.ImportPath, e.Output)
		return
	}
	if e.Package == "" {
		return
	}
	p := c.packages[e.Package]
	if p == nil {
		p = &pkg{output: make(map[string]*strings.Builder), running: make(map[string]bool), ended: make(map[string]bool)}
		c.packages[e.Package] = p
	}
	switch {
	case e.Action == "output":
		write(p.output, e.Test, e.Output)
	case e.Test == "":
		c.packageEnd(p, e)
	default:
		c.test(p, e)
	}
}

func (c *counter) test(p *pkg, e event) {
	switch e.Action {
	case "run":
		p.running[e.Test] = true
		return
	case "pass":
		c.passed++
		p.passed++
	case "skip":
		c.skipped++
		c.skips = append(c.skips, fmt.Sprintf("skipped: %s %s: %s", e.Package, e.Test, words(p.output[e.Test])))
	case "fail":
		c.fail(p, e.Package, e.Test)
	default:
		return
	}
	p.ended[e.Test] = e.Action == "pass"
	delete(p.running, e.Test)
	delete(p.output, e.Test)
}

func (c *counter) fail(p *pkg, name, test string) {
	c.failed++
	p.failed++
	fmt.Fprintf(c.out, "--- FAIL: %s %s\n", name, test)
	for line := range strings.SplitSeq(text(p.output[test]), "\n") {
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(strings.TrimSpace(line), "--- ") {
			fmt.Fprintln(c.out, line)
		}
	}
}

// packageEnd closes a package. One that failed without a failed test did not build,
// ended itself or ran out of time: that counts as one failure, or as one for each test
// that had not ended.
func (c *counter) packageEnd(p *pkg, e event) {
	switch e.Action {
	case "pass":
		fmt.Fprintf(c.out, "ok    %s  %d tests  %.1fs\n", e.Package, p.passed, e.Elapsed)
	case "fail":
		// A panic or a time-out is said by the package, not by the tests that it ended.
		if len(p.running) > 0 {
			fmt.Fprint(c.out, text(p.output[""]))
		}
		for _, test := range slices.Sorted(maps.Keys(p.running)) {
			c.fail(p, e.Package, test)
		}
		if p.failed == 0 {
			c.failed++
			fmt.Fprintf(c.out, "--- FAIL: %s\n%s%s", e.Package, text(c.builds[e.FailedBuild]), text(p.output[""]))
		}
		fmt.Fprintf(c.out, "FAIL  %s  %.1fs\n", e.Package, e.Elapsed)
	default:
		return
	}
	c.table.add(e.Package, p.ended)
	delete(c.packages, e.Package)
}

// finish prints the end and tells whether all is well.
func (c *counter) finish() bool {
	for _, name := range slices.Sorted(maps.Keys(c.packages)) {
		if p := c.packages[name]; len(p.running) > 0 {
			c.packageEnd(p, event{Action: "fail", Package: name})
		}
	}
	for _, s := range c.skips {
		fmt.Fprintln(c.out, s)
	}
	c.table.print(c.out)
	if c.strict {
		for _, cell := range c.table.empty() {
			c.failed++
			fmt.Fprintf(c.out, "--- FAIL: no test passed: %s\n", cell)
		}
	}
	if c.passed+c.failed == 0 {
		fmt.Fprintln(c.out, "no test ran")
	}
	fmt.Fprintf(c.out, "%d passed, %d failed, %d skipped\n", c.passed, c.failed, c.skipped)
	return c.failed == 0 && c.passed > 0
}

func write(to map[string]*strings.Builder, key, s string) {
	if to[key] == nil {
		to[key] = &strings.Builder{}
	}
	to[key].WriteString(s)
}

func text(b *strings.Builder) string {
	if b == nil {
		return ""
	}
	return b.String()
}

// words is the message of a skip on one line.
func words(b *strings.Builder) string {
	var kept []string
	for line := range strings.SplitSeq(text(b), "\n") {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, " ")
}
