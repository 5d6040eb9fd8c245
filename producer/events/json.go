package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deeply a body may be nested; real ones need six.
const maxDepth = 16

// checkJSON refuses bodies that are not one JSON value of reasonable depth, before
// anything is built from them.
func checkJSON(op string, body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return refuse(op, CodeBadJSON, "", "the body is empty")
	}
	if !utf8.Valid(body) {
		return refuse(op, CodeBadJSON, "", "the body is not valid UTF-8")
	}
	if depth(body) > maxDepth {
		return refuse(op, CodeBadJSON, "", "the body is nested more than %d deep", maxDepth)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	var value json.RawMessage
	if err := d.Decode(&value); err != nil {
		return badJSON(op, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return refuse(op, CodeTrailingData, "", "something follows the JSON value at byte %d", d.InputOffset())
	}
	return nil
}

func badJSON(op string, err error) error {
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return refuse(op, CodeBadJSON, "", "no JSON at byte %d: %w", s.Offset, err)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return refuse(op, CodeBadJSON, "", "the JSON ends too early")
	}
	return refuse(op, CodeBadJSON, "", "no JSON: %w", err)
}

// depth counts how deeply brackets are nested outside of strings.
func depth(body []byte) (deepest int) {
	level, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// object is a JSON object with exactly the fields it has: names keep their case and a
// field that stands twice is an error, unlike with encoding/json's structs.
type object struct {
	op, path string
	fields   map[string]json.RawMessage
}

// readObject reads an object with known fields; path is where it stands, "" for the body.
func readObject(op, path string, raw json.RawMessage, known ...string) (object, error) {
	o := object{op: op, path: path, fields: make(map[string]json.RawMessage, len(known))}
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return o, refuse(op, CodeBadJSON, path, "want a JSON object")
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return o, badJSON(op, err)
		}
		name, _ := t.(string) // the decoder lets only strings stand here
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return o, badJSON(op, err)
		}
		if !slices.Contains(known, name) {
			return o, refuse(op, CodeUnknownField, o.at(name), "there is no such field: use %s", strings.Join(known, ", "))
		}
		if _, ok := o.fields[name]; ok {
			return o, refuse(op, CodeDuplicateField, o.at(name), "the field stands there twice")
		}
		o.fields[name] = value
	}
	return o, nil
}

// at is the path of a field of the object.
func (o object) at(name string) string {
	if len(name) > 60 {
		name = strings.ToValidUTF8(name[:60], "") + "…"
	}
	if o.path == "" {
		return name
	}
	return o.path + "." + name
}

// text reads a string field of at most most bytes; absent and null are "".
func (o object) text(name string, most int) (string, error) {
	raw, ok := o.fields[name]
	if !ok || string(raw) == "null" {
		return "", nil
	}
	s, err := readString(o.op, o.at(name), raw)
	if err != nil {
		return "", err
	}
	if len(s) > most {
		return "", refuse(o.op, CodeBadField, o.at(name), "%d bytes: at most %d", len(s), most)
	}
	if i := strings.IndexFunc(s, isControl); i >= 0 {
		return "", refuse(o.op, CodeBadField, o.at(name), "there is a control character at byte %d", i)
	}
	return s, nil
}

// readString reads a JSON string. A lone surrogate is refused, because the decoder would
// silently make another name of it.
func readString(op, path string, raw json.RawMessage) (string, error) {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", refuse(op, CodeBadField, path, "want a string, found %s", clip(string(raw)))
	}
	if strings.ContainsRune(s, utf8.RuneError) && !bytes.ContainsRune(raw, utf8.RuneError) && !bytes.Contains(bytes.ToLower(raw), []byte(`\ufffd`)) {
		return "", refuse(op, CodeBadField, path, "there is a broken \\u escape")
	}
	return s, nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) }
