package events

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/url"
	"strings"
	"unicode/utf8"
)

const opCallback = "cos callback"

// maxFields is how many fields the body of a callback may have; ours has eight.
const maxFields = 64

// callbackFields names the fields of a callback that are understood. Names may stand with
// COS's prefix for the uploader's own variables, as x:order.
var callbackFields = map[string]string{
	"bucket": "bucket", "object": "object", "key": "object", "size": "size",
	"owner": "owner", "order": "order", "position": "position", "batch": "batch",
}

// CallbackBody is the body to ask COS for in x-cos-callback (callbackBody), of the type
// application/x-www-form-urlencoded. What stands behind x: comes from x-cos-callback-var.
const CallbackBody = "bucket=${bucket}&object=${object}&size=${size}" +
	"&order=${x:order}&position=${x:position}&batch=${x:batch}"

// DecodeCallback reads the body of a COS upload callback
// (cloud.tencent.com/document/product/436/106770): a form, or JSON where contentType says
// so or the body begins with a brace. Whoever wrote callbackBody chose its fields, so
// that other fields are ignored; see CallbackBody for ours. The Event is Created. It has
// no Keys where the body names no object. A body that is neither a form nor a JSON
// object, or names a field twice, is an error; a field that cannot be used is noted.
func DecodeCallback(contentType string, body []byte) (Event, error) {
	e := Event{Name: "callback", Created: true}
	fields, err := callbackFieldsOf(contentType, bytes.TrimSpace(body))
	if err != nil {
		return Event{}, err
	}
	e.Bucket = fields["bucket"]
	e.Keys = keysOf("", "", fields["object"], "")
	e.Size = loose(fields["size"]).int64()
	e.Owner = e.field(fields, "owner", maxOwner)
	e.Order = e.field(fields, "order", maxOrder)
	e.Batch = e.field(fields, "batch", maxBatch)
	if text := e.field(fields, "position", 20); text != "" {
		if position, ok := parsePosition(text); ok {
			e.Position = &position
		} else {
			e.note("position is %s: want a whole number from 0 to %d", clip(text), MaxPosition)
		}
	}
	return e, nil
}

// field gives a field that fits.
func (e *Event) field(fields map[string]string, name string, most int) string {
	text := strings.TrimSpace(fields[name])
	if len(text) > most || strings.ContainsFunc(text, isControl) {
		e.note("%s is longer than %d bytes or has control characters", name, most)
		return ""
	}
	return text
}

// callbackFieldsOf gives the fields by the names that we give them.
func callbackFieldsOf(contentType string, body []byte) (map[string]string, error) {
	media, _, _ := mime.ParseMediaType(contentType)
	all := make(map[string][]string)
	if media == "application/json" || bytes.HasPrefix(body, []byte("{")) {
		if err := checkJSON(opCallback, body); err != nil {
			return nil, err
		}
		var values map[string]json.RawMessage
		if err := json.Unmarshal(body, &values); err != nil {
			return nil, refuse(opCallback, CodeBadJSON, "", "want a JSON object")
		}
		for name, raw := range values {
			var value loose
			if _, ours := callbackName(name); ours && value.UnmarshalJSON(raw) != nil {
				return nil, refuse(opCallback, CodeBadField, name, "want a string or a number")
			}
			all[name] = []string{string(value)}
		}
	} else {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, refuse(opCallback, CodeBadForm, "", "the body is neither a form nor JSON")
		}
		all = form
	}
	if len(all) > maxFields {
		return nil, refuse(opCallback, CodeBadForm, "", "%d fields: at most %d", len(all), maxFields)
	}
	fields := make(map[string]string, len(callbackFields))
	for name, values := range all {
		ours, ok := callbackName(name)
		if !ok {
			continue
		}
		if _, twice := fields[ours]; twice || len(values) > 1 {
			return nil, refuse(opCallback, CodeDuplicateField, ours, "the field stands there twice")
		}
		if fields[ours] = values[0]; !utf8.ValidString(values[0]) {
			return nil, refuse(opCallback, CodeBadForm, ours, "the field is not valid UTF-8")
		}
	}
	return fields, nil
}

func callbackName(name string) (string, bool) {
	ours, ok := callbackFields[strings.TrimPrefix(name, "x:")]
	return ours, ok
}
