package events_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/events"
)

func TestDecodeFileIDs(t *testing.T) {
	t.Parallel()
	many := func(n int) string {
		b, err := json.Marshal(map[string]any{"fileIDs": make([]string, n)})
		require.NoError(t, err)
		return string(b)
	}
	for _, tt := range []struct {
		name, body string
		code       pipeline.Code
		says       string
	}{
		{"empty", ``, events.CodeBadJSON, "empty"},
		{"no JSON", `fileIDs`, events.CodeBadJSON, "byte 2"},
		{"an array", `["a"]`, events.CodeBadJSON, "want a JSON object"},
		{"not UTF-8", "{\"fileIDs\":[\"\xff\"]}", events.CodeBadJSON, "UTF-8"},
		{"10,000 deep", `{"fileIDs":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`, events.CodeBadJSON, "nested"},
		{"another field", `{"fileIDs":["a"],"maxAge":5}`, events.CodeUnknownField, `"maxAge"`},
		{"the field of getTempFileURL", `{"fileList":["a"]}`, events.CodeUnknownField, `"fileList"`},
		{"other case", `{"fileids":["a"]}`, events.CodeUnknownField, `"fileids"`},
		{"twice", `{"fileIDs":["a"],"fileIDs":["b"]}`, events.CodeDuplicateField, `"fileIDs"`},
		{"trailing", `{"fileIDs":["a"]} x`, events.CodeTrailingData, "follows"},
		{"nothing", `{}`, events.CodeMissingField, "missing"},
		{"an empty list", `{"fileIDs":[]}`, events.CodeMissingField, "empty"},
		{"null", `{"fileIDs":null}`, events.CodeBadField, "array"},
		{"a string", `{"fileIDs":"a"}`, events.CodeBadField, "array"},
		{"a number in it", `{"fileIDs":["a",1]}`, events.CodeBadField, "fileIDs[1]"},
		{"an object of getTempFileURL in it", `{"fileIDs":[{"fileID":"a","maxAge":5}]}`, events.CodeBadField, "fileIDs[0]"},
		{"too many", many(events.MaxFileIDs + 1), events.CodeTooManyFiles, "501"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ids, err := events.DecodeFileIDs([]byte(tt.body))
			require.Empty(t, ids)
			require.Equal(t, tt.code, pipeline.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, tt.says)
		})
	}
	ids, err := events.DecodeFileIDs([]byte(many(events.MaxFileIDs)))
	require.NoError(t, err)
	require.Len(t, ids, events.MaxFileIDs)
	ids, err = events.DecodeFileIDs([]byte(` {"fileIDs" : ["cos://b/图.jpg","no fileID","no fileID"]}`))
	require.NoError(t, err)
	require.Equal(t, []string{"cos://b/图.jpg", "no fileID", "no fileID"}, ids)
}
