package events

import (
	"bytes"
	"encoding/json"
)

// cmqRecord is a message of a CMQ or TDMQ topic as SCF delivers it
// (tencentyun/scf-go-lib events/cmq_test.go). msgBody holds what was sent to the topic.
type cmqRecord struct {
	CMQ *struct {
		Body json.RawMessage `json:"msgBody"`
	} `json:"CMQ"`
}

const opCMQ = "cmq message"

// readRecords reads one entry of Records: a record of COS, or a message that holds some.
func readRecords(raw json.RawMessage) []Event {
	var message cmqRecord
	if err := json.Unmarshal(raw, &message); err != nil || message.CMQ == nil {
		return []Event{readRecord(raw, "")}
	}
	events := readMessage(raw, message.CMQ.Body)
	for i := range events {
		if events[i].Unreadable {
			events[i].Raw = raw
		}
	}
	return events
}

// readMessage reads the body of a message: a COS event as JSON in a string, or one of its
// records. A message in a message is not looked into.
func readMessage(raw, body json.RawMessage) []Event {
	var text string
	if err := json.Unmarshal(body, &text); err != nil {
		return unreadable(raw, "msgBody is no string")
	}
	inner := []byte(text)
	if err := checkJSON(opCMQ, inner); err != nil {
		return unreadable(raw, "msgBody is no JSON")
	}
	var top struct {
		Records []json.RawMessage `json:"Records"`
		COS     json.RawMessage   `json:"cos"`
	}
	err := json.Unmarshal(inner, &top)
	switch {
	case err == nil && len(top.Records) > 0:
		records := enough(top.Records)
		events := make([]Event, len(records))
		for i, record := range records {
			events[i] = readRecord(record, "")
		}
		return events
	case err == nil && len(top.COS) > 0:
		return []Event{readRecord(bytes.TrimSpace(inner), "")}
	}
	return unreadable(raw, "msgBody is no COS event: it has neither Records nor cos")
}

// enough leaves out what need not be read of too many records: one more than is taken is
// enough for all to be refused.
func enough(records []json.RawMessage) []json.RawMessage {
	return records[:min(len(records), MaxRecords+1)]
}

// unreadable is what becomes of something that cannot be understood.
func unreadable(raw json.RawMessage, why string) []Event {
	return []Event{{Unreadable: true, Raw: raw, Note: why}}
}
