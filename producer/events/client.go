package events

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of one call of POST /v1/uploads.
const (
	// MaxFiles is how many files one call may announce; chooseMedia gives at most 20.
	MaxFiles = 100
	// MaxPosition is the greatest position of a file in its batch.
	MaxPosition = 9999

	maxOrder = 255  // bytes
	maxOwner = 128  // bytes; an openid has 28
	maxBatch = 128  // bytes
	maxFile  = 1024 // bytes: a name of 850 behind environment and bucket
)

// Uploads is the body of POST /v1/uploads.
type Uploads struct {
	// Order is the business order to write the files into; empty for none.
	Order string
	// Owner is the openid; empty means "from the name".
	Owner string
	// Batch names what belongs together; empty lets the producer make one.
	Batch string
	// Files has 1 to MaxFiles entries, no two the same.
	Files []File
}

// File is one announced file.
type File struct {
	// File is a fileID or an object key; see LooksLikeFileID. It is not checked further.
	File string
	// Position is the place in the batch, from 0: the one given, else the index in Files.
	// It is never nil.
	Position *int
	// Chosen says that the position was given.
	Chosen bool
}

// LooksLikeFileID tells whether file is meant as a fileID (cloud://... or cos://...) and
// not as an object key: whether it has a scheme.
func LooksLikeFileID(file string) bool { return strings.Contains(file, "://") }

const opUploads = "uploads"

// DecodeUploads reads the body of POST /v1/uploads:
//
//	{"order":"A12","owner":"oX","batch":"b1","files":["cloud://env.bucket/users/oX/1.jpg",{"file":"users/oX/2.jpg","position":1}]}
//
// Only files is needed. Unknown fields, fields that stand twice, trailing data, files
// that are empty or stand twice and more than MaxFiles files are refused with the path
// of the field and a code.
func DecodeUploads(body []byte) (Uploads, error) {
	var u Uploads
	if err := checkJSON(opUploads, body); err != nil {
		return u, err
	}
	o, err := readObject(opUploads, "", body, "order", "owner", "batch", "files")
	if err != nil {
		return u, err
	}
	if u.Order, err = o.text("order", maxOrder); err != nil {
		return u, err
	}
	if u.Owner, err = o.text("owner", maxOwner); err != nil {
		return u, err
	}
	if u.Batch, err = o.text("batch", maxBatch); err != nil {
		return u, err
	}
	u.Files, err = readFiles(o)
	return u, err
}

func readFiles(o object) ([]File, error) {
	raw, ok := o.fields["files"]
	if !ok {
		return nil, refuse(opUploads, CodeMissingField, "files", "the field is missing: list the fileIDs or keys that were uploaded")
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil || raw[0] != '[' {
		return nil, refuse(opUploads, CodeBadField, "files", "want an array")
	}
	if len(items) == 0 {
		return nil, refuse(opUploads, CodeMissingField, "files", "the array is empty")
	}
	if len(items) > MaxFiles {
		return nil, refuse(opUploads, CodeTooManyFiles, "files", "%d files: at most %d in one call", len(items), MaxFiles)
	}
	files := make([]File, 0, len(items))
	seen := make(map[string]int, len(items))
	for i, item := range items {
		path := fmt.Sprintf("files[%d]", i)
		f, err := readFile(path, i, item)
		if err != nil {
			return nil, err
		}
		if first, ok := seen[f.File]; ok {
			return nil, refuse(opUploads, CodeDuplicateFile, path, "the same file as files[%d]", first)
		}
		seen[f.File] = i
		files = append(files, f)
	}
	return files, nil
}

func readFile(path string, index int, raw json.RawMessage) (File, error) {
	f := File{Position: &index}
	namePath := path
	if raw[0] == '{' {
		o, err := readObject(opUploads, path, raw, "file", "position")
		if err != nil {
			return f, err
		}
		namePath = path + ".file"
		var ok bool
		if raw, ok = o.fields["file"]; !ok {
			return f, refuse(opUploads, CodeMissingField, namePath, "the field is missing")
		}
		if position, ok := o.fields["position"]; ok {
			if f.Position, err = readPosition(path+".position", position); err != nil {
				return f, err
			}
			f.Chosen = true
		}
	}
	var err error
	if f.File, err = readString(opUploads, namePath, raw); err != nil {
		return f, err
	}
	if f.File == "" {
		return f, refuse(opUploads, CodeEmptyName, namePath, "the name is empty")
	}
	if len(f.File) > maxFile {
		return f, refuse(opUploads, CodeBadField, namePath, "%d bytes: at most %d", len(f.File), maxFile)
	}
	return f, nil
}

func readPosition(path string, raw json.RawMessage) (*int, error) {
	n, ok := parsePosition(string(raw))
	if !ok {
		return nil, refuse(opUploads, CodeBadPosition, path, "want a whole number from 0 to %d, found %s", MaxPosition, clip(string(raw)))
	}
	return &n, nil
}

// parsePosition reads plain decimal digits.
func parsePosition(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n > MaxPosition {
		return 0, false
	}
	return int(n), true
}
