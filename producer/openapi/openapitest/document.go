package openapitest

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/afterput/afterput/producer/openapi"
)

// Document is the API's document with its schemas compiled. They are stricter than they
// are for users: objects have no fields but those that are named.
type Document struct {
	root     map[string]any
	compiler *jsonschema.Compiler

	mu      sync.Mutex // the compiler's
	schemas map[string]*jsonschema.Schema
}

const base = "https://afterput.example/openapi.json"

// Load compiles the document once for a test process.
var Load = sync.OnceValues(func() (*Document, error) { return Parse(openapi.Document()) })

// Parse compiles a document.
func Parse(text []byte) (*Document, error) {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	root, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("openapi: the document is no object")
	}
	closed(root["paths"])
	closed(root["components"])
	d := &Document{root: root, compiler: jsonschema.NewCompiler(), schemas: make(map[string]*jsonschema.Schema)}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	return d, d.compiler.AddResource(base, root)
}

// closed lets no object have fields that its schema does not name. A schema that adds to
// another one ($ref) leaves that to the other.
func closed(v any) {
	switch v := v.(type) {
	case map[string]any:
		_, object := v["properties"].(map[string]any)
		if _, said := v["additionalProperties"]; object && !said && v["$ref"] == nil {
			v["additionalProperties"] = false
		}
		for _, name := range slices.Collect(maps.Keys(v)) {
			if name != "example" {
				closed(v[name])
			}
		}
	case []any:
		for _, item := range v {
			closed(item)
		}
	}
}

// Schema compiles the schema at a JSON pointer, such as /components/schemas/Error.
func (d *Document) Schema(pointer string) (*jsonschema.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s, ok := d.schemas[pointer]; ok {
		return s, nil
	}
	s, err := d.compiler.Compile(base + "#" + pointer)
	if err == nil {
		d.schemas[pointer] = s
	}
	return s, err
}

// at gives the object at a pointer, and the pointer behind its $ref.
func (d *Document) at(pointer string) (map[string]any, string) {
	var v any = d.root
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, pointer
		}
		v = m[unescape(part)]
	}
	m, _ := v.(map[string]any)
	if ref, ok := m["$ref"].(string); ok {
		return d.at(strings.TrimPrefix(ref, "#"))
	}
	return m, pointer
}

// Pointer joins the parts of a JSON pointer (RFC 6901).
func Pointer(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(p))
	}
	return b.String()
}

func unescape(part string) string { return strings.NewReplacer("~1", "/", "~0", "~").Replace(part) }

// Operations lists the operations, as in "POST /v1/uploads".
func (d *Document) Operations() []string {
	var list []string
	paths, _ := d.at("/paths")
	for path := range paths {
		item, _ := d.at(Pointer("paths", path))
		for method := range item {
			list = append(list, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(list)
	return list
}

// Statuses lists the statuses of an operation.
func (d *Document) Statuses(operation string) []string {
	responses, _ := d.at(operationPointer(operation) + "/responses")
	return slices.Sorted(maps.Keys(responses))
}

func operationPointer(operation string) string {
	method, path, _ := strings.Cut(operation, " ")
	return Pointer("paths", path, strings.ToLower(method))
}

// Find gives the operation of a request, or "" for none. HEAD is GET.
func (d *Document) Find(method, path string) string {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for _, operation := range d.Operations() {
		m, template, _ := strings.Cut(operation, " ")
		if m == method && fits(template, path) {
			return operation
		}
	}
	return ""
}

// fits tells whether a path is one of a template such as /v1/uploads/{id}.
func fits(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		parameter := strings.HasPrefix(want[i], "{")
		if (parameter && got[i] == "") || (!parameter && want[i] != got[i]) {
			return false
		}
	}
	return true
}
