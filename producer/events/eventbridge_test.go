package events_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/events"
)

// envelope is the documented CloudEvent with some data.
func envelope(kind, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"13a3f42d-7258-4ada-da6d-023a333b4662","type":%q,"source":"cos.cloud.tencent",
 "subject":"qcs::cos:ap-guangzhou:uid1250000000:bucketname","time":"1615430559146","region":"ap-guangzhou",
 "datacontenttype":"application/json;charset=utf-8","data":%s}`, kind, data)
}

const (
	cosPart    = `{"cosBucket":{"appid":"125","name":"b"},"cosObject":{"key":"/125/b/users/oX/1.jpg","url":"http://b-125.cos.ap-guangzhou.myqcloud.com/users/oX/1.jpg","size":7,"vid":"","meta":{"x-cos-meta-order-id":"A12"}}}`
	cosNoEvent = `{"cos":` + cosPart + `}`
	cosRecord  = `{"cos":` + cosPart + `,"event":{"eventName":"cos:ObjectCreated:Put","eventTime":1615430559}}`
)

func TestDecodeEventBridgeShapes(t *testing.T) {
	t.Parallel()
	quoted := fmt.Sprintf("%q", cosRecord)
	for name, body := range map[string]string{
		"records":                   envelope("cos:created:object", `{"Records":[`+cosRecord+`]}`),
		"a record":                  envelope("cos:created:object", cosRecord),
		"a record without event":    envelope("cos:created:object", cosNoEvent),
		"only the cos part":         envelope("COS:Created:PostObject", cosPart),
		"the type in capitals":      envelope("COS:Created:PostObject", `{"Records":[`+cosNoEvent+`]}`),
		"JSON in a string":          envelope("cos:created:object", quoted),
		"base64":                    strings.Replace(envelope("cos:created:object", `null`), `"data":null`, `"data_base64":"`+base64.StdEncoding.EncodeToString([]byte(cosRecord))+`"`, 1),
		"as the page in English":    strings.NewReplacer("subject", "subjuect", `"1.0"`, `"0"`).Replace(envelope("cos:created:object", cosRecord)),
		"a batch of one":            "[" + envelope("cos:created:object", cosRecord) + "]",
		"only what has to be there": `{"type":"cos:created:object","time":"1615430559146","region":"ap-guangzhou","data":` + cosRecord + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := events.DecodeEventBridge([]byte(body))
			require.NoError(t, err)
			require.Len(t, got, 1)
			e := got[0]
			require.True(t, e.Created, e.Note)
			require.Equal(t, "b-125", e.Bucket)
			require.Equal(t, []string{"users/oX/1.jpg"}, e.Keys)
			require.Equal(t, "ap-guangzhou", e.Region)
			require.Equal(t, "A12", e.Order)
			require.Equal(t, time.Date(2021, 3, 11, 2, 42, 39, 0, time.UTC), e.Time.Truncate(time.Second))
			require.Empty(t, e.Raw)
		})
	}
}

func TestDecodeEventBridgeRemoved(t *testing.T) {
	t.Parallel()
	removed := strings.Replace(cosRecord, "ObjectCreated:Put", "ObjectRemove:Delete", 1)
	got, err := events.DecodeEventBridge([]byte(envelope("cos:created:object", removed)))
	require.NoError(t, err)
	require.True(t, got[0].Removed, "the record is nearer to the bucket than the envelope")
	require.Contains(t, got[0].Note, "which counts")
}

func TestDecodeEventBridgeBatch(t *testing.T) {
	t.Parallel()
	odd := envelope("cos:created:object", `{"what":"is this"}`)
	foreign := `{"specversion":"1.0","type":"cvm:created:instance","source":"cvm.cloud.tencent","data":{}}`
	got, err := events.DecodeEventBridge([]byte("[" + odd + "," + foreign + "," + envelope("cos:created:object", cosRecord) + "]"))
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.True(t, got[0].Unreadable)
	require.JSONEq(t, odd, string(got[0].Raw), "the whole envelope is kept")
	require.False(t, got[1].Unreadable || got[1].Created, "not about objects")
	require.Contains(t, got[1].Note, "cvm.cloud.tencent")
	require.True(t, got[2].Created, "one does not take the others with it")
}

func TestDecodeEventBridgeUnreadable(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no type":                    `{"data":` + cosRecord + `}`,
		"the event without envelope": `{"Records":[` + cosRecord + `]}`,
		"no data":                    `{"type":"cos:created:object"}`,
		"null":                       envelope("cos:created:object", "null"),
		"a number":                   envelope("cos:created:object", "5"),
		"text":                       envelope("cos:created:object", `"hello"`),
		"no base64":                  `{"type":"cos:created:object","data_base64":"%"}`,
		"another shape":              envelope("cos:created:object", `{"bucket":"b-125","object":"users/oX/1.jpg"}`),
		"no records":                 envelope("cos:created:object", `{"Records":[]}`),
		"an undocumented type":       envelope("cos:gone:object", cosNoEvent),
		"a type that is an object":   `{"type":{},"data":` + cosRecord + `}`,
		"an envelope in a batch":     `[5]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := events.DecodeEventBridge([]byte(body))
			require.NoError(t, err)
			require.Len(t, got, 1)
			require.True(t, got[0].Unreadable)
			require.NotEmpty(t, got[0].Note)
			require.JSONEq(t, strings.Trim(body, "[]"), strings.Trim(string(got[0].Raw), "[]"))
		})
	}
}

func TestDecodeEventBridgeRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		code       pipeline.Code
	}{
		{"empty", "", events.CodeBadJSON},
		{"no JSON", "a=b", events.CodeBadJSON},
		{"text", `"cos"`, events.CodeBadJSON},
		{"null", "null", events.CodeBadJSON},
		{"an empty batch", "[]", events.CodeNoRecords},
		{"too many", "[" + strings.Repeat("{},", 1000) + "{}]", events.CodeTooManyRecords},
		{"too many in one", envelope("cos:created:object", `{"Records":[`+strings.Repeat("{},", 1000)+`{}]}`), events.CodeTooManyRecords},
		{"trailing", envelope("cos:created:object", cosRecord) + "{}", events.CodeTrailingData},
		{"a depth bomb", strings.Repeat("[", 100000), events.CodeBadJSON},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := events.DecodeEventBridge([]byte(tt.body))
			require.Equal(t, tt.code, pipeline.CodeOf(err))
			require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
		})
	}
}

func FuzzDecodeEventBridge(f *testing.F) {
	for _, seed := range []string{
		envelope("cos:created:object", cosRecord), envelope("COS:Created:PostObject", cosPart),
		envelope("cos:created:object", `{"Records":[`+cosNoEvent+`,{}]}`), envelope("cos:created:object", `"{\"cos\":{}}"`),
		`[{"type":"cos:x","data_base64":"e30="}]`, `{"type":"cvm:x","source":"cvm"}`, `[]`, `[null]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := events.DecodeEventBridge(body)
		requireEvents(t, got, err)
	})
}

func ExampleDecodeEventBridge() {
	got, err := events.DecodeEventBridge([]byte(envelope("cos:created:object", cosRecord)))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(got[0].Bucket, got[0].Keys, got[0].Order)
	// Output: b-125 [users/oX/1.jpg] A12
}
