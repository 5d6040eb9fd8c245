package events_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/events"
)

// TestHuge: bodies that are far too long or too deep are refused, with a code, by every
// decoder, and for memory in proportion to their bytes: at the default limit of a body
// that is a few dozen MiB. It runs alone, because it looks at the memory.
func TestHuge(t *testing.T) {
	decoders := map[string]func(body string) error{
		"uploads":     func(body string) error { _, err := events.DecodeUploads([]byte(body)); return err },
		"fileIDs":     func(body string) error { _, err := events.DecodeFileIDs([]byte(body)); return err },
		"COS":         func(body string) error { _, err := events.DecodeCOS([]byte(body)); return err },
		"EventBridge": func(body string) error { _, err := events.DecodeEventBridge([]byte(body)); return err },
		"callback":    func(body string) error { _, err := events.DecodeCallback("application/json", []byte(body)); return err },
		"form":        func(body string) error { _, err := events.DecodeCallback("", []byte(body)); return err },
	}
	list := func(n int, begin, item, end string) string { return begin + strings.Repeat(item+",", n) + item + end }
	deep := func(left, right string) string {
		return strings.Repeat(left, 10_000) + "1" + strings.Repeat(right, 10_000)
	}
	for _, tt := range []struct {
		decoder, name, body string
		code                pipeline.Code
	}{
		{"uploads", "many files", list(100_000, `{"files":[`, `"a"`, `]}`), events.CodeTooManyFiles},
		{"uploads", "many fields", list(100_000, `{`, `"a":1`, `}`), events.CodeUnknownField},
		{"fileIDs", "many IDs", list(100_000, `{"fileIDs":[`, `"a"`, `]}`), events.CodeTooManyFiles},
		{"COS", "a million records", list(1_000_000, `{"Records":[`, `{}`, `]}`), events.CodeTooManyRecords},
		{"COS", "a million records in a message", list(1_000_000, `{"Records":[{"CMQ":{"msgBody":"{\"Records\":[`, `{}`, `]}"}}]}`), events.CodeTooManyRecords},
		{"EventBridge", "a million events", list(1_000_000, `[`, `{}`, `]`), events.CodeTooManyRecords},
		{"EventBridge", "a million records", list(1_000_000, `{"specversion":"1.0","type":"cos:created:object","source":"cos","data":{"Records":[`, `{}`, `]}}`), events.CodeTooManyRecords},
		{"callback", "many fields", list(100_000, `{`, `"a":1`, `}`), ""},
		{"form", "many fields", strings.Repeat("a=1&", 100_000), events.CodeBadForm},
		{"uploads", "deep", deep(`[`, `]`), events.CodeBadJSON},
		{"uploads", "deep in a field", `{"files":` + deep(`{"a":`, `}`) + `}`, events.CodeBadJSON},
		{"fileIDs", "deep", `{"fileIDs":` + deep(`[`, `]`) + `}`, events.CodeBadJSON},
		{"COS", "deep", deep(`{"a":`, `}`), events.CodeBadJSON},
		{"COS", "deep in a record", `{"Records":[` + deep(`[`, `]`) + `]}`, events.CodeBadJSON},
		{"EventBridge", "deep", `{"specversion":"1.0","data":` + deep(`{"data":`, `}`) + `}`, events.CodeBadJSON},
		{"callback", "deep", `{"object":` + deep(`[`, `]`) + `}`, events.CodeBadJSON},
	} {
		t.Run(tt.decoder+" "+tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := decoders[tt.decoder](tt.body)
			runtime.ReadMemStats(&after)
			require.Equal(t, tt.code, pipeline.CodeOf(err), "%v", err)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(100*len(tt.body)), "%d bytes", len(tt.body))
		})
	}
}
