package config

import (
	"errors"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// fileReader applies a YAML file. It walks the syntax tree itself, because a decoder
// stops at the first mistake and forgets the lines of what it read.
type fileReader struct {
	*loader
	path string // as the findings show it
	dir  string // what relative ${file:...} start from
}

func (r *fileReader) at(n ast.Node) Origin {
	line := 1
	if t := n.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	return Origin{Source: FromFile, Name: r.path, Line: line}
}

func (r *fileReader) read(raw []byte) {
	file, err := parser.ParseBytes(raw, 0)
	if err != nil {
		where, reason := r.path, err.Error()
		if e, ok := errors.AsType[yaml.Error](err); ok {
			// Without the source line: it may hold a secret.
			reason = e.GetMessage()
			if t := e.GetToken(); t != nil && t.Position != nil {
				where = Origin{Source: FromFile, Name: r.path, Line: t.Position.Line}.String()
			}
		}
		r.found.add(where, "", "is not YAML: "+reason, "correct the line")
		return
	}
	bodies := 0
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if bodies++; bodies > 1 {
			r.found.add(r.at(doc.Body).String(), "", "begins a second document", "keep one document in the file")
			return
		}
		r.section(r.root(), "", doc.Body)
	}
}

// section reads a mapping into the keys of a section.
func (r *fileReader) section(section reflect.Value, path string, n ast.Node) {
	if n = plain(n); n == nil {
		return
	}
	entries, ok := mapping(n)
	if !ok {
		r.found.add(r.at(n).String(), path, "is "+kindName(n)+", not a section", "write its keys below it, indented")
		return
	}
	known := children(section)
	names := make([]string, len(known))
	byName := make(map[string]child, len(known))
	for i, c := range known {
		names[i], byName[c.name] = c.name, c
	}
	for _, entry := range entries {
		name, ok := text(entry.Key)
		if !ok {
			name = entry.Key.String()
		}
		c, ok := byName[name]
		if !ok {
			fix := suggest(name, names)
			if all := r.general(join(path, name)); all != "" {
				fix = "it is the same for all buckets: set " + all
			}
			r.found.add(r.at(entry.Key).String(), join(path, name), "is not a key", fix)
			continue
		}
		r.entry(c.value, join(path, name), entry)
	}
}

func (r *fileReader) entry(v reflect.Value, key string, entry *ast.MappingValueNode) {
	n := plain(entry.Value)
	o := r.at(entry.Key)
	switch {
	case n == nil: // a key without a value keeps its default
	case n.Type() == ast.AliasType:
		r.found.add(o.String(), key, "is a YAML alias", "write the value out")
	case isSection(v.Type()):
		r.section(v, key, n)
	case isSectionList(v.Type()):
		r.sectionList(v, key, n)
	case v.Kind() == reflect.Slice:
		r.valueList(v, key, n, o)
	default:
		if s, ok := r.scalar(key, n); ok {
			r.settle(key, o, setText(v, s))
		}
	}
}

// sectionList reads a sequence of mappings. It replaces the default list as a whole.
func (r *fileReader) sectionList(v reflect.Value, key string, n ast.Node) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		r.found.add(r.at(n).String(), key, "is "+kindName(n)+", not a list", "begin each element with '-'")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values)))
	r.cfg.setOrigin(key, r.at(n))
	for i, value := range seq.Values {
		v.Index(i).Set(newElement(v.Type().Elem()))
		r.cfg.setOrigin(index(key, i), r.at(value))
		r.section(v.Index(i), index(key, i), value)
	}
}

func (r *fileReader) valueList(v reflect.Value, key string, n ast.Node, o Origin) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		r.found.add(o.String(), key, "is "+kindName(n)+", not a list", "write [a, b] or begin each element with '-'")
		return
	}
	texts := make([]string, 0, len(seq.Values))
	for i, value := range seq.Values {
		if value = plain(value); value == nil {
			continue
		}
		s, ok := r.scalar(index(key, i), value)
		if !ok {
			return
		}
		texts = append(texts, s)
	}
	r.settle(key, o, setList(v, texts))
}

// scalar gives the text of a value with its references resolved.
func (r *fileReader) scalar(key string, n ast.Node) (string, bool) {
	s, ok := text(n)
	if !ok {
		r.found.add(r.at(n).String(), key, "is "+kindName(n)+", not a single value", "write one value")
		return "", false
	}
	s, err := r.resolve(s)
	if err != nil {
		if w, ok := errors.AsType[*wrong](err); ok {
			r.found.add(r.at(n).String(), key, w.reason, w.fix)
		} else {
			r.found.add(r.at(n).String(), key, "refers to a file that cannot be read: "+err.Error(), "correct the path or its permissions")
		}
		return "", false
	}
	return s, true
}

// resolve replaces ${file:/path} and ${env:NAME}; $${ stands for ${ itself.
func (r *fileReader) resolve(s string) (string, error) {
	if !strings.Contains(s, "${") {
		return s, nil
	}
	var failed error
	refs := regexp.MustCompile(`\$?\$\{[^}]*\}?`)
	out := refs.ReplaceAllStringFunc(s, func(ref string) string {
		if strings.HasPrefix(ref, "$$") {
			return ref[1:]
		}
		value, err := r.reference(ref)
		if err != nil && failed == nil {
			failed = err
		}
		return value
	})
	return out, failed
}

func (r *fileReader) reference(ref string) (string, error) {
	kind, name, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(ref, "${"), "}"), ":")
	switch {
	case !strings.HasSuffix(ref, "}") || name == "" || (kind != "file" && kind != "env"):
		return "", wrongf("write ${file:/path} or ${env:NAME}, or $${ for the characters themselves", "has a reference that cannot be read")
	case kind == "file":
		if !filepath.IsAbs(name) {
			name = filepath.Join(r.dir, name)
		}
		return readSecretFile(name)
	}
	value, ok := r.env[name]
	if !ok {
		return "", wrongf("set it, or write the value", "refers to the environment variable %s, which is not set", name)
	}
	return value, nil
}
