package events

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// MaxRecords is how many records one COS event may have. Real ones have one.
const MaxRecords = 1000

// Event is one record of a COS event.
type Event struct {
	// Bucket is the full bucket name with its appid. Region is like ap-guangzhou; empty
	// where the event does not tell it.
	Bucket, Region string
	// Keys are the names that the object may have, best first, because events in the wild
	// differ in whether they percent-encode it: the decoded path of the URL, the key as it
	// stands, the decoded key. The bucket decides. At least one where Created or Removed.
	Keys []string
	// Size is in bytes, as the event claims it; 0 where it does not.
	Size int64
	// VersionID is empty in an unversioned bucket.
	VersionID string
	// Time is when it happened; zero where the event does not tell it.
	Time time.Time
	// Name is the event's name, such as cos:ObjectCreated:Put.
	Name string
	// Created and Removed say what happened. With neither the record is to be ignored, and
	// Note says why.
	Created, Removed bool
	// Unreadable says that it is ignored because it could not be read, not because it does
	// not concern us. Raw is what could not be read, as it came.
	Unreadable bool
	Raw        json.RawMessage
	// Order, Position and Batch are what the uploader set as x-cos-meta-order-id,
	// x-cos-meta-position and x-cos-meta-batch; in a callback they stand in its body, and
	// Owner with them.
	Owner    string
	Order    string
	Position *int
	Batch    string
	// Note says in words what was ignored; empty where nothing was.
	Note string
}

// cosRecord is a record as SCF delivers it (cloud.tencent.com/document/product/583/9707;
// tencentyun/scf-go-lib events/cos.go). There is no ETag in it, and the Content-Type in
// meta is no type of a file (a POST upload has its multipart header there).
type cosRecord struct {
	COS *struct {
		Bucket struct {
			AppID     loose `json:"appid"`
			Name      loose `json:"name"`
			CosRegion loose `json:"cosRegion"`
		} `json:"cosBucket"`
		Object struct {
			Key  loose                      `json:"key"`
			Meta map[string]json.RawMessage `json:"meta"`
			Size loose                      `json:"size"`
			URL  loose                      `json:"url"`
			VID  loose                      `json:"vid"`
		} `json:"cosObject"`
	} `json:"cos"`
	Event struct {
		Name  loose `json:"eventName"`
		Queue loose `json:"eventQueue"`
		Time  loose `json:"eventTime"`
	} `json:"event"`
}

const opCOS = "cos event"

// The beginnings of the names of the events that concern us.
const (
	createdPrefix = "cos:ObjectCreated:"
	removedPrefix = "cos:ObjectRemove:"
)

// DecodeCOS reads the JSON that a COS trigger delivers: {"Records":[...]}, also where a
// CMQ or TDMQ topic stands between: {"Records":[{"CMQ":{"msgBody":"..."}}]}. It gives one
// Event per record, in order; a record that it cannot make sense of is one to ignore, so
// that it does not take the others with it. A body that is no JSON, has no records, more
// than MaxRecords or is nested deeply is an error.
func DecodeCOS(body []byte) ([]Event, error) {
	if err := checkJSON(opCOS, body); err != nil {
		return nil, err
	}
	var top struct {
		Records []json.RawMessage `json:"Records"`
	}
	if err := json.Unmarshal(body, &top); err != nil {
		return nil, refuse(opCOS, CodeBadJSON, "Records", "want an object with an array of records")
	}
	if len(top.Records) == 0 {
		return nil, refuse(opCOS, CodeNoRecords, "Records", "there are no records: this is no COS trigger event")
	}
	if len(top.Records) > MaxRecords {
		return nil, refuse(opCOS, CodeTooManyRecords, "Records", "%d records: at most %d", len(top.Records), MaxRecords)
	}
	events := make([]Event, 0, len(top.Records))
	for _, raw := range top.Records {
		if events = append(events, readRecords(raw)...); len(events) > MaxRecords {
			return nil, refuse(opCOS, CodeTooManyRecords, "Records", "more than %d records in messages", MaxRecords)
		}
	}
	return events, nil
}

// readRecord reads one record of COS. name is the name of its event where the record has
// none itself.
func readRecord(raw json.RawMessage, name string) Event {
	var rec cosRecord
	if err := json.Unmarshal(raw, &rec); err != nil {
		return unreadable(raw, "the record has another shape than COS events have")[0]
	}
	if rec.COS == nil {
		return unreadable(raw, "the record has no cos: it does not come from a COS trigger")[0]
	}
	bucket, object := rec.COS.Bucket, rec.COS.Object
	e := Event{
		Bucket:    bucketName(string(bucket.Name), string(bucket.AppID)),
		Region:    regionOf(string(bucket.CosRegion), string(rec.Event.Queue), string(object.URL)),
		Keys:      keysOf(string(bucket.Name), string(bucket.AppID), string(object.Key), string(object.URL)),
		Size:      object.Size.int64(),
		VersionID: string(object.VID),
		Time:      rec.Event.Time.time(),
		Name:      cmp.Or(string(rec.Event.Name), name),
	}
	e.classify()
	if e.Unreadable {
		e.Raw = raw
	}
	e.readMeta(object.Meta)
	return e
}

// classify says what happened. Restores and inventories do not concern us.
func (e *Event) classify() {
	switch {
	case e.Name == "":
		e.Unreadable = true
		e.note("the record has no eventName")
	case !strings.HasPrefix(e.Name, createdPrefix) && !strings.HasPrefix(e.Name, removedPrefix):
		e.note("the event %s neither creates nor removes an object", clip(e.Name))
	case e.Bucket == "":
		e.Unreadable = true
		e.note("the record has no bucket")
	case len(e.Keys) == 0:
		e.Unreadable = true
		e.note("the record has no key")
	default:
		e.Created = strings.HasPrefix(e.Name, createdPrefix)
		e.Removed = !e.Created
	}
}

func (e *Event) note(format string, args ...any) {
	if e.Note != "" {
		e.Note += "; "
	}
	e.Note += fmt.Sprintf(format, args...)
}

// FromMetadata reads what the uploader set as x-cos-meta-* by its lower-case names: the
// Event has Order, Position, Batch and a Note, as that of the upload had.
func FromMetadata(meta map[string]string) Event {
	raw := make(map[string]json.RawMessage, len(meta))
	for name, value := range meta {
		text, _ := json.Marshal(value) // a string has JSON
		raw[name] = text
	}
	var e Event
	e.readMeta(raw)
	return e
}

// readMeta takes what the uploader said in headers. A value that cannot be used is
// ignored with a note: the upload itself is as good without it.
func (e *Event) readMeta(meta map[string]json.RawMessage) {
	e.Order = e.metaText(meta, "x-cos-meta-order-id", maxOrder)
	e.Batch = e.metaText(meta, "x-cos-meta-batch", maxBatch)
	const name = "x-cos-meta-position"
	text := e.metaText(meta, name, 20)
	if text == "" {
		return
	}
	position, ok := parsePosition(text)
	if !ok {
		e.note("%s is %s: want a whole number from 0 to %d", name, clip(text), MaxPosition)
		return
	}
	e.Position = &position
}

// metaText finds a header in any case; the alphabetically first spelling wins.
func (e *Event) metaText(meta map[string]json.RawMessage, name string, most int) string {
	best := ""
	for spelling := range meta {
		if strings.EqualFold(spelling, name) && (best == "" || spelling < best) {
			best = spelling
		}
	}
	if best == "" {
		return ""
	}
	var value loose
	if err := json.Unmarshal(meta[best], &value); err != nil {
		e.note("%s is no text", name)
		return ""
	}
	text := strings.TrimSpace(string(value))
	if len(text) > most || strings.ContainsFunc(text, isControl) {
		e.note("%s is longer than %d bytes or has control characters", name, most)
		return ""
	}
	return text
}
