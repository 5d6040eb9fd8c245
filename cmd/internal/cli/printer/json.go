package printer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"
)

// object is a JSON object whose fields keep their order.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the fields in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := encode(m.key)
		if err != nil {
			return nil, err
		}
		value, err := encode(m.value)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", m.key, err)
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// members turns a map into fields in the order of their names, without the names given.
func members(fields map[string]any, without ...string) object {
	var o object
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(without, key) {
			o = append(o, member{key, machineValue(fields[key])})
		}
	}
	return o
}

// machineValue is a value as JSON shows it: durations as text, no time as null, no
// list as an empty one, all else as it is.
func machineValue(v any) any {
	switch t := v.(type) {
	case time.Duration:
		return t.String()
	case time.Time:
		if t.IsZero() {
			return nil
		}
	case []string:
		if t == nil {
			return []string{}
		}
	}
	return v
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

func (p *Printer) json(v any, indent bool) error {
	raw, err := encode(v)
	if err != nil {
		return fmt.Errorf("printer: %w", err)
	}
	raw = escapeJSON(raw)
	if indent {
		var b bytes.Buffer
		if err := json.Indent(&b, raw, "", "  "); err != nil {
			return fmt.Errorf("printer: %w", err)
		}
		raw = b.Bytes()
	}
	_, err = p.w.Write(append(raw, '\n'))
	return err
}

// escapeJSON escapes what encoding/json lets through and a terminal obeys. Such
// characters stand in JSON only inside strings, so they can be replaced anywhere.
func escapeJSON(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		r, size := utf8.DecodeRune(raw[i:])
		if r >= ' ' && unsafeRune(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, raw[i:i+size]...)
		}
		i += size
	}
	return out
}
