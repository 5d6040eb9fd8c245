package events

import (
	"encoding/json"
	"fmt"

	"github.com/afterput/afterput/pipeline"
)

// MaxFileIDs is how many fileIDs one call of POST /v1/temp-urls may name.
const MaxFileIDs = 500

const opFileIDs = "tempurls"

// DecodeFileIDs reads the body of POST /v1/temp-urls:
//
//	{"fileIDs":["cloud://env.bucket/users/oX/1.jpg"]}
//
// It is as strict as DecodeUploads, except that an ID which is no fileID, or stands
// twice, is answered at its place and refuses nothing.
func DecodeFileIDs(body []byte) ([]string, error) {
	if err := checkJSON(opFileIDs, body); err != nil {
		return nil, err
	}
	o, err := readObject(opFileIDs, "", body, "fileIDs")
	if err != nil {
		return nil, err
	}
	raw, ok := o.fields["fileIDs"]
	if !ok {
		return nil, refuseIDs(CodeMissingField, "the field is missing: list the fileIDs to ask about")
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil || raw[0] != '[' {
		return nil, refuseIDs(CodeBadField, "want an array of fileIDs, found %s", clip(string(raw)))
	}
	switch {
	case len(items) == 0:
		return nil, refuseIDs(CodeMissingField, "the array is empty")
	case len(items) > MaxFileIDs:
		return nil, refuseIDs(CodeTooManyFiles, "%d fileIDs: at most %d in one call", len(items), MaxFileIDs)
	}
	ids := make([]string, len(items))
	for i, item := range items {
		if ids[i], err = readString(opFileIDs, fmt.Sprintf("fileIDs[%d]", i), item); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func refuseIDs(code pipeline.Code, format string, args ...any) error {
	return refuse(opFileIDs, code, "fileIDs", format, args...)
}
