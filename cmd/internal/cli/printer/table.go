package printer

import (
	"fmt"
	"strings"
)

// Table prints rows with one value per column. In JSON it is {"schema", "items": [...]};
// in JSON lines each row is an object with the schema, and the summary counts them.
func (p *Printer) Table(schema string, columns []Column, rows [][]any) error {
	s, err := p.Stream(schema, columns)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := s.Row(row...); err != nil {
			return err
		}
	}
	return s.Close(nil)
}

// Stream prints rows as they come. Plain text and JSON lines are written at once, a
// table and JSON when the stream is closed.
type Stream struct {
	p       *Printer
	schema  string
	columns []Column
	picked  []int
	count   int
	lines   [][]string
	items   []object
}

// Stream begins a table of rows. An unknown name in Options.Fields is a *FieldError.
func (p *Printer) Stream(schema string, columns []Column) (*Stream, error) {
	picked, err := p.pick(columns)
	if err != nil {
		return nil, err
	}
	s := &Stream{p: p, schema: schema, columns: columns, picked: picked, items: []object{}}
	header := make([]string, len(picked))
	for i, c := range picked {
		header[i] = columns[c].title()
	}
	if p.opt.NoHeaders {
		return s, nil
	}
	switch p.format {
	case Table:
		s.lines = append(s.lines, header)
	case Plain:
		return s, p.line(strings.Join(header, "\t"))
	case JSON, JSONL:
	}
	return s, nil
}

// Row prints one row.
func (s *Stream) Row(values ...any) error {
	if len(values) != len(s.columns) {
		return fmt.Errorf("printer: %d values for %d columns of %s", len(values), len(s.columns), s.schema)
	}
	s.count++
	if s.p.Machine() {
		var o object
		if s.p.format == JSONL {
			o = append(o, member{"schema", s.schema})
		}
		for _, c := range s.picked {
			o = append(o, member{s.columns[c].Key, machineValue(values[c])})
		}
		if s.p.format == JSONL {
			return s.p.json(o, false)
		}
		s.items = append(s.items, o)
		return nil
	}
	cells := make([]string, len(s.picked))
	for i, c := range s.picked {
		cells[i] = s.p.text(values[c])
		if cells[i] == "" && s.p.format == Table {
			cells[i] = "-"
		}
	}
	if s.p.format == Plain {
		return s.p.line(strings.Join(cells, "\t"))
	}
	s.lines = append(s.lines, cells)
	return nil
}

// Close ends the stream. The summary's fields stand in JSON beside items, and in JSON
// lines in the last line; tables and plain text do not show it. A count is added where
// the summary has none.
func (s *Stream) Close(summary map[string]any) error {
	switch s.p.format {
	case Table:
		return s.p.aligned(s.lines, func(column int) bool { return s.columns[s.picked[column]].Right })
	case JSON:
		o := object{{"schema", s.schema}, {"items", s.items}}
		return s.p.json(append(o, members(summary, "schema", "items")...), true)
	case JSONL:
		return s.p.summary(s.schema, s.count, summary)
	case Plain:
	}
	return nil
}

func (p *Printer) summary(schema string, count int, fields map[string]any) error {
	o := object{{"type", "summary"}, {"schema", schema}}
	if _, ok := fields["count"]; !ok {
		o = append(o, member{"count", count})
	}
	return p.json(append(o, members(fields, "type", "schema")...), false)
}

// aligned prints lines of cells in columns, two spaces apart, by display width.
func (p *Printer) aligned(lines [][]string, right func(column int) bool) error {
	var widths []int
	for _, line := range lines {
		for i, cell := range line {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Width(cell))
		}
	}
	for _, line := range lines {
		var b strings.Builder
		for i, cell := range line {
			if i > 0 {
				b.WriteString("  ")
			}
			pad := strings.Repeat(" ", widths[i]-Width(cell))
			if right(i) {
				b.WriteString(pad + cell)
			} else {
				b.WriteString(cell + pad)
			}
		}
		if err := p.line(strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

func (p *Printer) line(s string) error {
	_, err := fmt.Fprintln(p.w, s)
	return err
}
