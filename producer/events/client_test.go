package events_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/events"
)

func TestDecodeUploads(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		want       events.Uploads
	}{
		{
			"fileIDs and keys",
			`{"order":"A12","owner":"oX","batch":"b","files":["cloud://env.b-1/users/oX/1.jpg","users/oX/2.jpg"]}`,
			events.Uploads{Order: "A12", Owner: "oX", Batch: "b", Files: []events.File{
				{File: "cloud://env.b-1/users/oX/1.jpg", Position: new(0)}, {File: "users/oX/2.jpg", Position: new(1)},
			}},
		},
		{
			"positions",
			` {"files": [ {"position":9999, "file":"a"} , "b" , {"file":"c"} ] } ` + "\n",
			events.Uploads{Files: []events.File{{File: "a", Position: new(9999), Chosen: true}, {File: "b", Position: new(1)}, {File: "c", Position: new(2)}}},
		},
		{"nulls", `{"order":null,"owner":null,"batch":null,"files":["a"]}`, events.Uploads{Files: []events.File{{File: "a", Position: new(0)}}}},
		{"escapes", `{"files":["\u56fe\ud83d\ude00","\ufffd"]}`, events.Uploads{Files: []events.File{
			{File: "图😀", Position: new(0)}, {File: "\uFFFD", Position: new(1)},
		}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := events.DecodeUploads([]byte(tt.body))
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestDecodeUploadsRefuses(t *testing.T) {
	t.Parallel()
	many := `"` + strings.Join(strings.Split(strings.Repeat("x", 101), ""), `","`) + `"`
	for _, tt := range []struct {
		name, body string
		code       pipeline.Code
		field      string
	}{
		{"empty", ``, events.CodeBadJSON, ""},
		{"blank", " \n", events.CodeBadJSON, ""},
		{"no JSON", `order=A12`, events.CodeBadJSON, ""},
		{"cut", `{"files":["a"]`, events.CodeBadJSON, ""},
		{"byte order mark", "\ufeff" + `{"files":["a"]}`, events.CodeBadJSON, ""},
		{"not UTF-8", "{\"files\":[\"\xff\"]}", events.CodeBadJSON, ""},
		{"an array", `["a"]`, events.CodeBadJSON, ""},
		{"null", `null`, events.CodeBadJSON, ""},
		{"trailing", `{"files":["a"]} x`, events.CodeTrailingData, ""},
		{"two bodies", `{"files":["a"]}{"files":["b"]}`, events.CodeTrailingData, ""},
		{"depth bomb", `{"files":` + strings.Repeat("[", 50000) + strings.Repeat("]", 50000) + `}`, events.CodeBadJSON, ""},
		{"unknown", `{"files":["a"],"oder":"A12"}`, events.CodeUnknownField, "oder"},
		{"other case", `{"Files":["a"]}`, events.CodeUnknownField, "Files"},
		{"unknown inside", `{"files":[{"file":"a","pos":1}]}`, events.CodeUnknownField, "files[0].pos"},
		{"twice", `{"files":["a"],"files":["b"]}`, events.CodeDuplicateField, "files"},
		{"twice inside", `{"files":[{"file":"a","file":"b"}]}`, events.CodeDuplicateField, "files[0].file"},
		{"no files", `{"order":"A12"}`, events.CodeMissingField, "files"},
		{"empty files", `{"files":[]}`, events.CodeMissingField, "files"},
		{"files null", `{"files":null}`, events.CodeBadField, "files"},
		{"files text", `{"files":"a"}`, events.CodeBadField, "files"},
		{"empty name", `{"files":["a",""]}`, events.CodeEmptyName, "files[1]"},
		{"empty name inside", `{"files":[{"file":""}]}`, events.CodeEmptyName, "files[0].file"},
		{"no name inside", `{"files":[{}]}`, events.CodeMissingField, "files[0].file"},
		{"a number", `{"files":["a",5]}`, events.CodeBadField, "files[1]"},
		{"a null", `{"files":[null]}`, events.CodeBadField, "files[0]"},
		{"a list", `{"files":[["a"]]}`, events.CodeBadField, "files[0]"},
		{"surrogate", `{"files":["\ud83d"]}`, events.CodeBadField, "files[0]"},
		{"long name", `{"files":["` + strings.Repeat("x", 1025) + `"]}`, events.CodeBadField, "files[0]"},
		{"duplicate", `{"files":["a","b","a"]}`, events.CodeDuplicateFile, "files[2]"},
		{"duplicate in both forms", `{"files":["a",{"file":"a","position":5}]}`, events.CodeDuplicateFile, "files[1]"},
		{"too many", `{"files":[` + many + `]}`, events.CodeTooManyFiles, "files"},
		{"order number", `{"order":12,"files":["a"]}`, events.CodeBadField, "order"},
		{"order long", `{"order":"` + strings.Repeat("x", 256) + `","files":["a"]}`, events.CodeBadField, "order"},
		{"order control", `{"order":"a\u0000","files":["a"]}`, events.CodeBadField, "order"},
		{"owner long", `{"owner":"` + strings.Repeat("x", 129) + `","files":["a"]}`, events.CodeBadField, "owner"},
		{"batch list", `{"batch":[],"files":["a"]}`, events.CodeBadField, "batch"},
		{"negative", `{"files":[{"file":"a","position":-1}]}`, events.CodeBadPosition, "files[0].position"},
		{"fraction", `{"files":[{"file":"a","position":1.5}]}`, events.CodeBadPosition, "files[0].position"},
		{"exponent", `{"files":[{"file":"a","position":1e3}]}`, events.CodeBadPosition, "files[0].position"},
		{"too far", `{"files":[{"file":"a","position":10000}]}`, events.CodeBadPosition, "files[0].position"},
		{"position text", `{"files":[{"file":"a","position":"1"}]}`, events.CodeBadPosition, "files[0].position"},
		{"position null", `{"files":[{"file":"a","position":null}]}`, events.CodeBadPosition, "files[0].position"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := events.DecodeUploads([]byte(tt.body))
			require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
			require.Equal(t, tt.code, pipeline.CodeOf(err), err)
			require.ErrorContains(t, err, tt.field)
			require.Less(t, len(err.Error()), 400)
		})
	}
}

func TestLooksLikeFileID(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]bool{
		"cloud://env.b/x": true, "cos://b/x": true, "https://b/x": true, "users/oX/1.jpg": false, "a:b": false, "": false,
	} {
		require.Equal(t, want, events.LooksLikeFileID(file), file)
	}
}

func FuzzDecodeUploads(f *testing.F) {
	for _, seed := range []string{
		`{"order":"A12","owner":"oX","batch":"b","files":["cloud://env.b/1.jpg",{"file":"users/oX/2.jpg","position":3}]}`,
		`{"files":[]}`, `{"files":["a","a"]}`, `{"files":[{"file":"\ud800"}]}`, `null`, `[`, `{"files":[ {"position":0,"file":"x"}]} {}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := events.DecodeUploads(body)
		if err != nil {
			require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
			require.NotEmpty(t, pipeline.CodeOf(err))
			return
		}
		require.True(t, json.Valid(body))
		require.NotEmpty(t, got.Files)
		require.LessOrEqual(t, len(got.Files), events.MaxFiles)
		seen := make(map[string]bool)
		for _, file := range got.Files {
			require.NotEmpty(t, file.File)
			require.False(t, seen[file.File])
			seen[file.File] = true
			require.True(t, *file.Position >= 0 && *file.Position <= events.MaxPosition)
		}
	})
}

func ExampleDecodeUploads() {
	_, err := events.DecodeUploads([]byte(`{"order":"A12","files":["users/oX/1.jpg","users/oX/1.jpg"]}`))
	fmt.Println(pipeline.CodeOf(err), "-", err)
	// Output: DUPLICATE_FILE - uploads "files[1]": DUPLICATE_FILE: the same file as files[0]
}
