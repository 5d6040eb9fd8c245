package events

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
)

// envelope is a CloudEvent in structured mode as EventBridge sends it
// (cloud.tencent.com/document/product/1359/56075). What data holds for COS is in no
// document, so every shape that names its parts as COS events do is taken.
type envelope struct {
	ID     loose           `json:"id"`
	Type   loose           `json:"type"`
	Source loose           `json:"source"`
	Time   loose           `json:"time"` // a string of milliseconds
	Region loose           `json:"region"`
	Data   json.RawMessage `json:"data"`
	// Base64 is data in base64 (CloudEvents JSON format 3.1.1).
	Base64 string `json:"data_base64"`
}

const opEventBridge = "eventbridge"

// DecodeEventBridge reads what EventBridge delivers: one CloudEvent as JSON, or an array
// of them. data may be {"Records":[...]} as of a COS trigger, one such record, or only
// its cos part; then the envelope's type says what happened. An envelope that it cannot
// make sense of is one Event that is Unreadable and has it whole in Raw, so that it does
// not take the others with it; one that is not about COS is to be ignored. A body that is
// no JSON object or array, is an empty array, has more than MaxRecords or is nested
// deeply is an error.
func DecodeEventBridge(body []byte) ([]Event, error) {
	if err := checkJSON(opEventBridge, body); err != nil {
		return nil, err
	}
	var all []json.RawMessage
	switch body = bytes.TrimSpace(body); body[0] {
	case '{':
		all = []json.RawMessage{body}
	case '[':
		if err := json.Unmarshal(body, &all); err != nil {
			return nil, refuse(opEventBridge, CodeBadJSON, "", "want a CloudEvent or an array of them")
		}
	default:
		return nil, refuse(opEventBridge, CodeBadJSON, "", "want a CloudEvent or an array of them")
	}
	if len(all) == 0 {
		return nil, refuse(opEventBridge, CodeNoRecords, "", "the array is empty")
	}
	var events []Event
	for _, raw := range all {
		found := readEnvelope(raw)
		for i := range found {
			if found[i].Unreadable {
				found[i].Raw = raw
			}
		}
		if events = append(events, found...); len(events) > MaxRecords {
			return nil, refuse(opEventBridge, CodeTooManyRecords, "", "more than %d records", MaxRecords)
		}
	}
	return events, nil
}

func readEnvelope(raw json.RawMessage) []Event {
	var env envelope
	if err := json.Unmarshal(raw, &env); err != nil || env.Type == "" {
		return unreadable(raw, "this is no CloudEvent: it has no type, or another shape")
	}
	kind := strings.ToLower(string(env.Type))
	if !strings.HasPrefix(kind, "cos:") && !strings.HasPrefix(strings.ToLower(string(env.Source)), "cos.") {
		return []Event{{Name: string(env.Type), Note: "an event of " + clip(string(env.Source)) + " does not concern objects"}}
	}
	records, why := recordsOf(env)
	if why != "" {
		return unreadable(raw, why)
	}
	name := ""
	if strings.HasPrefix(kind, "cos:created:") {
		name = createdPrefix + string(env.Type)[len("cos:created:"):]
	}
	events := make([]Event, len(records))
	for i, record := range records {
		e := readRecord(record, name)
		if e.Time.IsZero() {
			e.Time = env.Time.time()
		}
		if e.Region == "" && regionPattern.MatchString(string(env.Region)) {
			e.Region = string(env.Region)
		}
		if e.Removed && name != "" {
			e.note("the envelope says %s, the record %s, which counts", clip(string(env.Type)), clip(e.Name))
		}
		events[i] = e
	}
	return events
}

// recordsOf finds the records in an envelope, or says why there are none.
func recordsOf(env envelope) (records []json.RawMessage, why string) {
	data, ok := dataOf(env)
	if !ok {
		return nil, "the envelope has no data that is JSON"
	}
	var shape struct {
		Records []json.RawMessage `json:"Records"`
		COS     json.RawMessage   `json:"cos"`
		Bucket  json.RawMessage   `json:"cosBucket"`
		Object  json.RawMessage   `json:"cosObject"`
	}
	const unknown = "the data has no Records, no cos and no cosObject: nobody documented this shape"
	if err := json.Unmarshal(data, &shape); err != nil {
		return nil, unknown
	}
	switch {
	case len(shape.Records) > 0:
		return enough(shape.Records), ""
	case len(shape.COS) > 0:
		return []json.RawMessage{data}, ""
	case len(shape.Bucket) > 0 && len(shape.Object) > 0:
		return []json.RawMessage{append(append([]byte(`{"cos":`), data...), '}')}, ""
	}
	return nil, unknown
}

// dataOf gives the data of an envelope, which may be JSON in a string or in base64.
func dataOf(env envelope) (json.RawMessage, bool) {
	data := bytes.TrimSpace(env.Data)
	if len(data) > 0 && data[0] == '"' {
		var text string
		if json.Unmarshal(data, &text) != nil {
			return nil, false
		}
		data = []byte(text)
	}
	if len(data) == 0 && env.Base64 != "" {
		decoded, err := base64.StdEncoding.DecodeString(env.Base64)
		if err != nil {
			return nil, false
		}
		data = decoded
	}
	return data, checkJSON(opEventBridge, data) == nil
}
