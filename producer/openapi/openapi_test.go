package openapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/producer/openapi"
	"github.com/afterput/afterput/producer/openapi/openapitest"
)

type object = map[string]any

func document(t *testing.T) object {
	t.Helper()
	var doc object
	require.NoError(t, json.Unmarshal(openapi.Document(), &doc))
	return doc
}

// walk calls f with every object of the document and its JSON pointer.
func walk(v any, pointer string, f func(pointer string, o object)) {
	switch v := v.(type) {
	case object:
		f(pointer, v)
		for name, child := range v {
			if name != "example" {
				walk(child, pointer+openapitest.Pointer(name), f)
			}
		}
	case []any:
		for i, child := range v {
			walk(child, pointer+openapitest.Pointer(strconv.Itoa(i)), f)
		}
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	openapi.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, openapi.Path, http.NoBody))
	require.Equal(t, 200, w.Code)
	require.Equal(t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
	require.JSONEq(t, string(openapi.Document()), w.Body.String())
}

// TestDocument: names are unique, references lead somewhere, schemas compile and examples
// fit them.
func TestDocument(t *testing.T) {
	t.Parallel()
	doc := document(t)
	require.Equal(t, "3.1.1", doc["openapi"])
	strict, err := openapitest.Load()
	require.NoError(t, err)
	components := doc["components"].(object)
	var tags []string
	for _, tag := range doc["tags"].([]any) {
		tags = append(tags, tag.(object)["name"].(string))
	}
	used := map[string]bool{}
	schemas, examples := 0, 0
	walk(doc, "", func(pointer string, o object) {
		if ref, ok := o["$ref"].(string); ok {
			parts := strings.Split(strings.TrimPrefix(ref, "#/components/"), "/")
			require.Len(t, parts, 2, ref)
			require.Contains(t, components[parts[0]], parts[1], "%s: %s", pointer, ref)
			used[ref] = true
		}
		if schema, ok := o["schema"].(object); ok {
			compiled, err := strict.Schema(pointer + "/schema")
			require.NoError(t, err, pointer)
			schemas++
			if example, ok := o["example"]; ok {
				require.NoError(t, compiled.Validate(example), pointer)
				examples++
			}
			require.NotEmpty(t, schema, pointer)
		}
	})
	require.Greater(t, schemas, 60)
	require.Greater(t, examples, 12)
	for kind, of := range components {
		for name := range of.(object) {
			require.True(t, kind == "securitySchemes" || used["#/components/"+kind+"/"+name], "nothing uses the %s %s", kind, name)
		}
	}
	names := map[string]bool{}
	for path, item := range doc["paths"].(object) {
		for method, operation := range item.(object) {
			o := operation.(object)
			id := o["operationId"].(string)
			require.False(t, names[id], id)
			names[id] = true
			require.NotEmpty(t, o["summary"], id)
			require.NotNil(t, o["security"], "%s: say who may come in, or [] for everybody", id)
			require.Subset(t, tags, o["tags"], id)
			for _, way := range o["security"].([]any) {
				for scheme := range way.(object) {
					require.Contains(t, components["securitySchemes"], scheme)
				}
			}
			var declared []string
			for _, p := range o["parameters"].([]any) {
				if p := p.(object); p["in"] == "path" {
					declared = append(declared, "{"+p["name"].(string)+"}")
					require.Equal(t, true, p["required"])
				}
			}
			require.ElementsMatch(t, regexp.MustCompile(`\{\w+\}`).FindAllString(path, -1), declared, "%s %s", method, path)
		}
	}
}

// TestCodes: the codes of each status are those that codes.md explains.
func TestCodes(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../deploy/docs/codes.md")
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(page), "## Why an announcement is refused")
	require.True(t, ok)
	section, _, _ = strings.Cut(section, "\n## ")
	want := map[string][]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([0-9, ]+) \| ([^|]+) \|`).FindAllStringSubmatch(section, -1) {
		for status := range strings.SplitSeq(row[1], ", ") {
			for _, code := range regexp.MustCompile("`([A-Z_]+)`").FindAllStringSubmatch(row[2], -1) {
				want[status] = append(want[status], code[1])
			}
		}
	}
	require.Contains(t, want["400"], "BAD_JSON")

	doc := document(t)
	shared := doc["components"].(object)["responses"].(object)
	got := map[string][]string{}
	walk(doc["paths"], "", func(_ string, o object) {
		responses, ok := o["responses"].(object)
		if !ok {
			return
		}
		for status, response := range responses {
			r := response.(object)
			if ref, ok := r["$ref"].(string); ok {
				r = shared[ref[strings.LastIndex(ref, "/")+1:]].(object)
			}
			walk(r, "", func(_ string, o object) {
				properties, ok := o["properties"].(object)
				if !ok || o["$ref"] != "#/components/schemas/Error" {
					return
				}
				for _, code := range properties["code"].(object)["enum"].([]any) {
					got[status] = append(got[status], code.(string))
				}
			})
		}
	})
	got["202"] = []string{"UNREADABLE_RECORD"} // a record's own; those of 400 stand there as well
	for status, codes := range got {
		slices.Sort(codes)
		slices.Sort(want[status])
		require.Equal(t, slices.Compact(want[status]), slices.Compact(codes), status)
		delete(want, status)
	}
	require.Empty(t, want)
}

// TestCheck: what is not as the document says is told, each by what is wrong.
func TestCheck(t *testing.T) {
	t.Parallel()
	doc, err := openapitest.Load()
	require.NoError(t, err)
	header := func(change ...string) http.Header {
		h := http.Header{"Content-Type": {"application/json; charset=utf-8"}, "X-Request-Id": {"r1"}}
		for i := 0; i < len(change); i += 2 {
			h.Set(change[i], change[i+1])
		}
		return h
	}
	taken := `{"order":"","requestId":"r1","uploads":[{"uploadId":"00673c407f952eecfce54327ac568a1a","fileID":"cos://b/a","key":"a","new":true}]}`
	refused := func(code string) string { return `{"code":"` + code + `","message":"m","requestId":"r1"}` }
	for _, tt := range []struct {
		name, method, path string
		status             int
		header             http.Header
		body, sent         string
		want               string
	}{
		{"taken", "POST", "/v1/uploads", 202, header(), taken, `{"files":["a"]}`, ""},
		{"refused", "POST", "/v1/uploads", 400, header(), refused("BAD_JSON"), "", ""},
		{"HEAD", "HEAD", "/v1/uploads/00673c407f952eecfce54327ac568a1a", 200, header(), "", "", ""},
		{"text", "GET", "/healthz", 200, header("Content-Type", "text/plain; charset=utf-8"), "ok", "", ""},
		{"no such route", "GET", "/v2/uploads", 404, header(), refused("NOT_FOUND"), "", ""},
		{"no such method", "POST", "/put-sign", 405, header(), refused("METHOD_NOT_ALLOWED"), "", ""},
		{"another status", "POST", "/v1/uploads", 200, header(), taken, "", "does not have"},
		{"another code", "POST", "/v1/uploads", 400, header(), refused("NO_RECORDS"), "", "/code"},
		{"no code", "POST", "/v1/uploads", 400, header(), `{"message":"m","requestId":"r1"}`, "", "code"},
		{"no message", "POST", "/v1/uploads", 400, header(), `{"code":"BAD_JSON","message":"","requestId":"r1"}`, "", "/message"},
		{"another field", "POST", "/v1/uploads", 202, header(), `{"more":1,` + taken[1:], "", "more"},
		{"another field of an error", "POST", "/v1/uploads", 400, header(), `{"more":1,` + refused("BAD_JSON")[1:], "", "more"},
		{"another type", "POST", "/v1/uploads", 202, header("Content-Type", "text/html; charset=utf-8"), taken, "", "text/html"},
		{"no charset", "POST", "/v1/uploads", 202, header("Content-Type", "application/json"), taken, "", "charset"},
		{"no ID", "POST", "/v1/uploads", 202, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, taken, "", "X-Request-Id"},
		{"no Retry-After", "POST", "/v1/uploads", 503, header(), refused("UNAVAILABLE"), "", "Retry-After"},
		{"a strange Retry-After", "POST", "/v1/uploads", 503, header("Retry-After", "soon"), refused("UNAVAILABLE"), "", "Retry-After"},
		{"no JSON", "POST", "/v1/uploads", 202, header(), "{", "", "no JSON"},
		{"took what it should not", "POST", "/v1/uploads", 202, header(), taken, `{"files":["a"],"sign":1}`, "sign"},
		{"no such route, and taken", "GET", "/v2/uploads", 200, header(), taken, "", "not in the document"},
		{"no such route, as text", "GET", "/v2/uploads", 404, header(), "404 page not found", "", "no JSON"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := openapitest.Answer{Method: tt.method, Path: tt.path, Status: tt.status, Header: tt.header, Body: []byte(tt.body)}
			if tt.sent != "" {
				a.Sent = []byte(tt.sent)
			}
			err := doc.Check(a)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}
