package printer

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Format is how things are printed.
type Format string

// The formats.
const (
	// Table is aligned columns, for people.
	Table Format = "table"
	// JSON is one document.
	JSON Format = "json"
	// JSONL is one document per line, as they come; the last is a summary.
	JSONL Format = "jsonl"
	// Plain is values separated by tabs, for pipes.
	Plain Format = "plain"
)

// Formats lists the formats, for help and completion.
func Formats() []string {
	return []string{string(Table), string(JSON), string(JSONL), string(Plain)}
}

// ParseFormat reads the value of --output. Empty is Table on a terminal, else Plain.
func ParseFormat(s string, tty bool) (Format, error) {
	switch {
	case s == "" && tty:
		return Table, nil
	case s == "":
		return Plain, nil
	case slices.Contains(Formats(), s):
		return Format(s), nil
	}
	return "", fmt.Errorf("unknown output format %q: use one of %s", s, strings.Join(Formats(), ", "))
}

// Options narrow what is printed. The zero value prints everything.
type Options struct {
	// NoHeaders leaves the header line of tables out.
	NoHeaders bool
	// Fields are the keys of the columns to print, in this order; empty prints all.
	Fields []string
	// Time is how times are printed in tables and plain text: rfc3339, unix or relative.
	// Empty is rfc3339. JSON always has RFC 3339.
	Time string
	// Now is the clock for relative times; nil is time.Now.
	Now func() time.Time
}

// Printer prints to one writer in one format. It is not safe for concurrent use.
type Printer struct {
	w      io.Writer
	format Format
	opt    Options
}

// New makes a Printer.
func New(w io.Writer, format Format, opt Options) *Printer {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Printer{w: w, format: format, opt: opt}
}

// Format tells the format, for the few commands that show progress only to people.
func (p *Printer) Format() Format { return p.format }

// Machine tells whether a program reads what is printed; then nothing may be asked.
func (p *Printer) Machine() bool { return p.format == JSON || p.format == JSONL }

// Column is one column of a table.
type Column struct {
	// Key is the field in JSON, and the name for --fields: fileID.
	Key string
	// Title is the header; empty is Key in upper case.
	Title string
	// Right aligns to the right, for numbers.
	Right bool
}

func (c Column) title() string {
	if c.Title != "" {
		return c.Title
	}
	return strings.ToUpper(c.Key)
}

// pick turns --fields into indexes of columns.
func (p *Printer) pick(columns []Column) ([]int, error) {
	picked := make([]int, 0, len(columns))
	if len(p.opt.Fields) == 0 {
		for i := range columns {
			picked = append(picked, i)
		}
		return picked, nil
	}
	keys := make([]string, len(columns))
	for i, c := range columns {
		keys[i] = c.Key
	}
	for _, f := range p.opt.Fields {
		i := slices.Index(keys, strings.TrimSpace(f))
		if i < 0 {
			return nil, &FieldError{Field: f, Known: keys}
		}
		picked = append(picked, i)
	}
	return picked, nil
}

// FieldError is a field that --fields names and the table has not. It is a usage error.
type FieldError struct {
	Field string
	Known []string
}

// Error names the field and those that exist.
func (e *FieldError) Error() string {
	return fmt.Sprintf("unknown field %q: use some of %s", e.Field, strings.Join(e.Known, ","))
}
