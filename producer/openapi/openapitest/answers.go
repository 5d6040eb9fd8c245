package openapitest

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Answer is a real answer, and what was asked.
type Answer struct {
	Method string
	// Path has no query.
	Path   string
	Status int
	Header http.Header
	Body   []byte
	// Sent is the body of the request, as JSON; nil where it was none. What the server
	// takes has to be in the document as well.
	Sent []byte
}

// Check tells where an answer is not as the document says: its status, its type, its
// headers or its body. What the document does not have must be answered as not there.
func (d *Document) Check(a Answer) error {
	operation := d.Find(a.Method, a.Path)
	if operation == "" {
		return d.checkNothing(a)
	}
	pointer := operationPointer(operation)
	response, at := d.at(pointer + Pointer("responses", strconv.Itoa(a.Status)))
	if response == nil {
		return fmt.Errorf("%s answers %d, which the document does not have", operation, a.Status)
	}
	if err := d.checkHeaders(at, response, a.Header); err != nil {
		return fmt.Errorf("%s %d: %w", operation, a.Status, err)
	}
	if err := d.checkBody(at, response, a); err != nil {
		return fmt.Errorf("%s %d: %w", operation, a.Status, err)
	}
	if a.Sent != nil && a.Status < http.StatusMultipleChoices {
		if err := d.checkSent(pointer, a.Sent); err != nil {
			return fmt.Errorf("%s took what the document does not have: %w", operation, err)
		}
	}
	return nil
}

// checkNothing checks the answer to a request that the document does not have.
func (d *Document) checkNothing(a Answer) error {
	status, pointer := http.StatusNotFound, Pointer("components", "schemas", "Error")
	for _, operation := range d.Operations() {
		_, template, _ := strings.Cut(operation, " ")
		if _, at := d.at(operationPointer(operation) + "/responses/405"); fits(template, a.Path) && strings.HasSuffix(at, "MethodNotAllowed") {
			status, pointer = http.StatusMethodNotAllowed, at+Pointer("content", "application/json", "schema")
		}
	}
	if a.Status != status {
		return fmt.Errorf("%s %s is not in the document and answers %d: want %d", a.Method, a.Path, a.Status, status)
	}
	return d.validate(pointer, a.Body)
}

func (d *Document) checkHeaders(at string, response map[string]any, got http.Header) error {
	headers, _ := response["headers"].(map[string]any)
	for name := range headers {
		header, where := d.at(at + Pointer("headers", name))
		values := got.Values(name)
		if len(values) == 0 {
			if header["required"] == true {
				return fmt.Errorf("the header %s is missing", name)
			}
			continue
		}
		schema, err := d.Schema(where + "/schema")
		if err != nil {
			return err
		}
		if err := schema.Validate(values[0]); err != nil {
			return fmt.Errorf("the header %s: %w", name, err)
		}
	}
	return nil
}

func (d *Document) checkBody(at string, response map[string]any, a Answer) error {
	content, _ := response["content"].(map[string]any)
	media, parameters, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("the Content-Type %q: %w", a.Header.Get("Content-Type"), err)
	}
	if content[media] == nil {
		return fmt.Errorf("the Content-Type is %s, which the document does not have", media)
	}
	if !strings.EqualFold(parameters["charset"], "utf-8") {
		return fmt.Errorf("the charset is %q", parameters["charset"])
	}
	if media != "application/json" || a.Method == http.MethodHead {
		return nil
	}
	return d.validate(at+Pointer("content", media, "schema"), a.Body)
}

func (d *Document) checkSent(operation string, body []byte) error {
	_, at := d.at(operation + "/requestBody")
	return d.validate(at+Pointer("content", "application/json", "schema"), body)
}

func (d *Document) validate(pointer string, body []byte) error {
	schema, err := d.Schema(pointer)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the body is no JSON: %w", err)
	}
	if err := schema.Validate(v); err != nil {
		return fmt.Errorf("the body %s: %w", body, err)
	}
	return nil
}
