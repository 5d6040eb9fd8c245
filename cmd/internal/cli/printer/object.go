package printer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Object prints one thing. v is a struct or map as encoding/json sees it. In JSON its
// fields stand beside the schema; a JSON lines stream is the object and a summary; for
// people it is one line per field, nested fields by their path.
func (p *Printer) Object(schema string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("printer: %s: %w", schema, err)
	}
	fields, err := decodeObject(raw)
	if err != nil {
		return fmt.Errorf("printer: %s: %w", schema, err)
	}
	if p.Machine() {
		o := object{{"schema", schema}}
		for _, m := range fields {
			if m.key != "schema" {
				o = append(o, m)
			}
		}
		if err := p.json(o, p.format == JSON); err != nil || p.format == JSON {
			return err
		}
		return p.summary(schema, 1, nil)
	}
	var lines [][]string
	flatten("", fields, func(key, value string) {
		if value != "" || p.format == Plain {
			lines = append(lines, []string{Escape(key), Escape(value)})
		}
	})
	if p.format == Plain {
		for _, l := range lines {
			if err := p.line(strings.Join(l, "\t")); err != nil {
				return err
			}
		}
		return nil
	}
	for _, l := range lines {
		l[0] += ":"
	}
	return p.aligned(lines, func(int) bool { return false })
}

// Failure is an error as commands report it.
type Failure struct {
	// Code is the machine-readable reason: config_invalid.
	Code string
	// ExitCode is the exit code of the process.
	ExitCode int
	// Message says what happened, Hint what to do; Hint may be empty.
	Message, Hint string
}

// Error prints a failure. Its Printer writes to stderr.
func (p *Printer) Error(f Failure) error {
	if p.Machine() {
		o := object{{"type", "error"}, {"code", f.Code}, {"exit_code", f.ExitCode}, {"message", f.Message}}
		if f.Hint != "" {
			o = append(o, member{"hint", f.Hint})
		}
		return p.json(o, false)
	}
	lines := strings.Split("error: "+f.Message, "\n")
	if f.Hint != "" {
		lines = append(lines, strings.Split("hint: "+f.Hint, "\n")...)
	}
	for _, l := range lines {
		if err := p.line(Escape(l)); err != nil {
			return err
		}
	}
	return nil
}

// decodeObject reads a JSON object and keeps the order of its fields.
func decodeObject(raw []byte) (object, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	v, err := decodeValue(dec)
	if err != nil {
		return nil, err
	}
	o, ok := v.(object)
	if !ok {
		return nil, errors.New("want an object")
	}
	return o, nil
}

func decodeValue(dec *json.Decoder) (any, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		return tok, nil
	}
	o, list := object{}, []any{}
	for dec.More() {
		var key string
		if delim == '{' {
			if tok, err = dec.Token(); err != nil {
				return nil, err
			}
			key, _ = tok.(string)
		}
		value, err := decodeValue(dec)
		if err != nil {
			return nil, err
		}
		o, list = append(o, member{key, value}), append(list, value)
	}
	if _, err := dec.Token(); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if delim == '{' {
		return o, nil
	}
	return list, nil
}

// flatten calls emit for each value with its path: steps[0].state. A list of plain
// values stays on one line.
func flatten(path string, v any, emit func(key, value string)) {
	switch t := v.(type) {
	case object:
		for _, m := range t {
			key := m.key
			if path != "" {
				key = path + "." + key
			}
			flatten(key, m.value, emit)
		}
	case []any:
		words := make([]string, 0, len(t))
		for i, item := range t {
			switch item.(type) {
			case object, []any:
				flatten(fmt.Sprintf("%s[%d]", path, i), item, emit)
			default:
				words = append(words, plainWord(item))
			}
		}
		if len(words) > 0 || len(t) == 0 {
			emit(path, strings.Join(words, ", "))
		}
	default:
		emit(path, plainWord(v))
	}
}

func plainWord(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
