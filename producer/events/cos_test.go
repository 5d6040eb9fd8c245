package events_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/events"
)

// dumpA is the test data of tencentyun/scf-go-lib: a POST upload, with the multipart
// header as its Content-Type.
const dumpA = `{"Records":[{"cos":{"cosBucket":{"appid":"123456","name":"ritchiechen-cos-test","region":"bj"},"cosNotificationId":"xxx",
 "cosObject":{"key":"/123456/ritchiechen-cos-test/foobar.zip",
   "meta":{"Content-Type":"multipart/form-data; boundary=---------------------------b45c43a0b3","x-cos-request-id":"NWQ1.."},
   "size":9755203,"url":"http://ritchiechen-cos-test-123456.cosbj.myqcloud.com/foobar.zip","vid":"15945f.."},
 "cosSchemaVersion":"1.0"},
 "event":{"eventName":"cos:ObjectCreated:*","eventQueue":"qcs:0:lambda:bj:appid/123456:..$LATEST","eventSource":"qcs::cos",
   "eventTime":1566028555,"eventVersion":"1.0","reqid":566750263,
   "requestParameters":{"requestHeaders":{"Authorization":""},"requestSourceIP":"8.8.8.8"},"reservedInfo":""}}]}`

// dumpB has the form of a real event of 2021, with the names of its fields filled in.
const dumpB = `{"Records":[{"cos":{"cosBucket":{"appid":"1259480965","name":"hary666","region":"gz","cosRegion":"ap-guangzhou","s3Region":"ap-guangzhou"},
 "cosObject":{"key":"/1259480965/hary666/company.png","meta":{"X-Cos-Meta-Order-Id":"A12","x-cos-meta-position":"3","x-cos-meta-batch":"b1"},
   "size":1234,"url":"http://hary666-1259480965.cos.ap-guangzhou.myqcloud.com/company.png","vid":""}},
 "event":{"eventName":"cos:ObjectCreated:Put","eventQueue":"qcs:0:scf:ap-guangzhou:appid/1259480965:default.Fn-name.$DEFAULT","eventTime":1632900000,"reqid":0}}]}`

func TestDecodeCOSDumps(t *testing.T) {
	t.Parallel()
	got, err := events.DecodeCOS([]byte(dumpA))
	require.NoError(t, err)
	require.Equal(t, []events.Event{{
		Bucket: "ritchiechen-cos-test-123456", Keys: []string{"foobar.zip"}, Size: 9755203, VersionID: "15945f..",
		Time: time.Date(2019, 8, 17, 7, 55, 55, 0, time.UTC), Name: "cos:ObjectCreated:*", Created: true,
	}}, got)

	got, err = events.DecodeCOS([]byte(dumpB))
	require.NoError(t, err)
	position := 3
	require.Equal(t, []events.Event{{
		Bucket: "hary666-1259480965", Region: "ap-guangzhou", Keys: []string{"company.png"}, Size: 1234,
		Time: time.Date(2021, 9, 29, 7, 20, 0, 0, time.UTC), Name: "cos:ObjectCreated:Put", Created: true,
		Order: "A12", Position: &position, Batch: "b1",
	}}, got)
}

// record makes an event of one record from the parts that a test is about.
func record(key, url, name, meta, rest string) string {
	return fmt.Sprintf(`{"Records":[{"cos":{"cosBucket":{"appid":"125","name":"b"%s},"cosObject":{"key":%q,"url":%q,"meta":{%s}}},"event":{"eventName":%q}}]}`,
		rest, key, url, meta, name)
}

func decodeOne(t *testing.T, body string) events.Event {
	t.Helper()
	got, err := events.DecodeCOS([]byte(body))
	require.NoError(t, err)
	require.Len(t, got, 1)
	return got[0]
}

func TestDecodeCOSKeys(t *testing.T) {
	t.Parallel()
	const host = "http://b-125.cos.ap-guangzhou.myqcloud.com/"
	for _, tt := range []struct {
		name, key, url string
		want           []string
	}{
		{"plain", "/125/b/users/oX/1.jpg", host + "users/oX/1.jpg", []string{"users/oX/1.jpg"}},
		{"both encoded", "/125/b/users/%E5%9B%BE%201.jpg", host + "users/%E5%9B%BE%201.jpg", []string{"users/图 1.jpg", "users/%E5%9B%BE%201.jpg"}},
		{"only the URL encoded", "/125/b/图 1.jpg", host + "%E5%9B%BE%201.jpg", []string{"图 1.jpg"}},
		{"none encoded", "/125/b/图 1.jpg", host + "图 1.jpg", []string{"图 1.jpg"}},
		{"a percent sign", "/125/b/100%.jpg", host + "100%25.jpg", []string{"100%.jpg"}},
		{"a percent sign, not encoded", "/125/b/100%.jpg", host + "100%.jpg", []string{"100%.jpg"}},
		{"looks encoded", "/125/b/a%20b.jpg", host + "a%2520b.jpg", []string{"a%20b.jpg", "a b.jpg"}},
		{"a plus", "/125/b/a+b.jpg", host + "a+b.jpg", []string{"a+b.jpg"}},
		{"the prefix again inside", "/125/b/125/b/x.jpg", host + "125/b/x.jpg", []string{"125/b/x.jpg"}},
		{"full bucket name", "/125/b-125/x.jpg", "", []string{"x.jpg"}},
		{"no prefix", "x.jpg", "", []string{"x.jpg"}},
		{"a query", "/125/b/x.jpg", host + "x.jpg?sign=1", []string{"x.jpg"}},
		{"no key", "", host + "x.jpg", []string{"x.jpg"}},
		{"names no object can have come last", "/125/b/a//b.jpg", host + "a%2Fb.jpg", []string{"a/b.jpg"}},
		{"only such a name", "/125/b/a//b.jpg", "", []string{"a//b.jpg"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := decodeOne(t, record(tt.key, tt.url, "cos:ObjectCreated:Put", "", ""))
			require.Equal(t, tt.want, e.Keys)
			require.Equal(t, "b-125", e.Bucket)
			require.True(t, e.Created)
		})
	}
}

func TestDecodeCOSRegion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ bucket, queue, url, want string }{
		{`,"cosRegion":"ap-guangzhou"`, "qcs:0:scf:ap-beijing:x", "", "ap-guangzhou"},
		{`,"region":"gz"`, "qcs:0:scf:ap-beijing:x", "", "ap-beijing"},
		{`,"region":"bj"`, "qcs:0:lambda:bj:x", "http://b-125.cos.ap-shanghai.myqcloud.com/x", "ap-shanghai"},
		{"", "", "https://b-125.cos-internal.ap-hongkong.tencentcos.cn/x", "ap-hongkong"},
		{"", "", "https://b-125.cos.ap-shanghai-fsi.myqcloud.com/x", "ap-shanghai-fsi"},
		{"", "", "http://b-125.cosbj.myqcloud.com/x", ""},
		{"", "x", "not a url", ""},
	} {
		body := strings.Replace(record("x", tt.url, "cos:ObjectCreated:Put", "", tt.bucket),
			`"event":{`, fmt.Sprintf(`"event":{"eventQueue":%q,`, tt.queue), 1)
		require.Equal(t, tt.want, decodeOne(t, body).Region, "%v", tt)
	}
}

func TestDecodeCOSNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"cos:ObjectCreated:Put": "created", "cos:ObjectCreated:Post": "created", "cos:ObjectCreated:Copy": "created",
		"cos:ObjectCreated:CompleteMultipartUpload": "created", "cos:ObjectCreated:*": "created", "cos:ObjectCreated:New": "created",
		"cos:ObjectRemove:Delete": "removed", "cos:ObjectRemove:DeleteMarkerCreated": "removed",
		"cos:ObjectRestore:Post": "ignored", "cos:ObjectRestore:Completed": "ignored", "cos:InventoryReportCreated:Put": "ignored",
		"cos:ObjectCreatedX": "ignored",
	} {
		e := decodeOne(t, record("/125/b/x.jpg", "", name, "", ""))
		require.Equal(t, want == "created", e.Created, name)
		require.Equal(t, want == "removed", e.Removed, name)
		require.Equal(t, want == "ignored", e.Note != "", name)
		require.False(t, e.Unreadable)
		require.Equal(t, name, e.Name)
	}
}

func TestDecodeCOSMeta(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		meta, order, batch string
		position           int // -1 for none
		note               string
	}{
		{`"x-cos-meta-order-id":"A12","x-cos-meta-position":"0"`, "A12", "", 0, ""},
		{`"X-COS-META-ORDER-ID":"A12","X-Cos-Meta-Position":" 9999 ","x-cos-meta-BATCH":"b"`, "A12", "b", 9999, ""},
		{`"x-cos-meta-position":7`, "", "", 7, ""},
		{`"x-cos-meta-position":"10000"`, "", "", -1, `x-cos-meta-position is "10000"`},
		{`"x-cos-meta-position":"-1"`, "", "", -1, `"-1"`},
		{`"x-cos-meta-position":"1.5"`, "", "", -1, `"1.5"`},
		{`"x-cos-meta-position":"first"`, "", "", -1, `"first"`},
		{`"x-cos-meta-position":""`, "", "", -1, ""},
		{`"x-cos-meta-position":null`, "", "", -1, ""},
		{`"x-cos-meta-position":[1]`, "", "", -1, "is no text"},
		{`"x-cos-meta-order-id":"` + strings.Repeat("x", 256) + `"`, "", "", -1, "longer than 255"},
		{`"x-cos-meta-order-id":"a\u0000b"`, "", "", -1, "control characters"},
		{`"x-cos-meta-order-id":"B","X-Cos-Meta-Order-Id":"A"`, "A", "", -1, ""},
		{`"x-cos-meta-other":"x","Content-Type":"image/png"`, "", "", -1, ""},
	} {
		e := decodeOne(t, record("x", "", "cos:ObjectCreated:Put", tt.meta, ""))
		require.True(t, e.Created, "a bad header loses no upload")
		require.Equal(t, tt.order, e.Order, tt.meta)
		require.Equal(t, tt.batch, e.Batch, tt.meta)
		if tt.position < 0 {
			require.Nil(t, e.Position, tt.meta)
		} else {
			require.Equal(t, &tt.position, e.Position, tt.meta)
		}
		require.Contains(t, e.Note, tt.note)
		require.Equal(t, tt.note == "", e.Note == "", e.Note)
	}
}

func TestDecodeCOSTime(t *testing.T) {
	t.Parallel()
	want := time.Date(2019, 8, 17, 7, 55, 55, 0, time.UTC)
	for text, want := range map[string]time.Time{
		`1566028555`: want, `"1566028555"`: want, `1566028555000`: want, `1566028555.0`: want,
		`"2019-08-17T07:55:55Z"`: want, `"2019-08-17T15:55:55+08:00"`: want, `"2019-08-17T07:55:55"`: want,
		`""`: {}, `null`: {}, `"soon"`: {}, `-1`: {}, `1e300`: {}, `"NaN"`: {},
	} {
		body := strings.Replace(dumpA, `1566028555`, text, 1)
		require.True(t, want.Equal(decodeOne(t, body).Time), text)
	}
}

// TestDecodeCOSUnreadable: a bad record does not take the good ones with it.
func TestDecodeCOSUnreadable(t *testing.T) {
	t.Parallel()
	good := strings.TrimSuffix(strings.TrimPrefix(dumpB, `{"Records":[`), `]}`)
	for record, note := range map[string]string{
		`5`:                       "another shape",
		`{}`:                      "no cos",
		`null`:                    "no cos",
		`{"CMQ":{"msgBody":"x"}}`: "no JSON",
		`{"cos":{"cosBucket":{"name":"b","appid":"1"},"cosObject":{"key":{}}}}`:                                                  "another shape",
		`{"cos":{"cosBucket":{"name":"b","appid":"1"},"cosObject":{"key":"x"}}}`:                                                 "no eventName",
		`{"cos":{"cosBucket":{},"cosObject":{"key":"x"}},"event":{"eventName":"cos:ObjectCreated:Put"}}`:                         "no bucket",
		`{"cos":{"cosBucket":{"name":"b","appid":1},"cosObject":{"key":"/1/b/"}},"event":{"eventName":"cos:ObjectCreated:Put"}}`: "no key",
	} {
		got, err := events.DecodeCOS([]byte(`{"Records":[` + record + `,` + good + `]}`))
		require.NoError(t, err, record)
		require.Len(t, got, 2)
		require.True(t, got[0].Unreadable, record)
		require.False(t, got[0].Created || got[0].Removed)
		require.Contains(t, got[0].Note, note)
		require.True(t, got[1].Created)
	}
}

func TestDecodeCOSRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		code       pipeline.Code
		text       string
	}{
		{"empty", "", events.CodeBadJSON, "empty"},
		{"no JSON", "a=b", events.CodeBadJSON, "byte 1"},
		{"cut", dumpB[:len(dumpB)-3], events.CodeBadJSON, "too early"},
		{"not UTF-8", "{\"Records\":[\"\xff\"]}", events.CodeBadJSON, "UTF-8"},
		{"an array", "[]", events.CodeBadJSON, "want an object"},
		{"records are no array", `{"Records":{}}`, events.CodeBadJSON, "want an object"},
		{"no records", `{"specversion":"1.0"}`, events.CodeNoRecords, "no COS trigger event"},
		{"empty records", `{"Records":[]}`, events.CodeNoRecords, ""},
		{"too many", `{"Records":[` + strings.Repeat("{},", 1000) + `{}]}`, events.CodeTooManyRecords, "1001"},
		{"depth bomb", `{"Records":[` + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + `]}`, events.CodeBadJSON, "nested"},
		{"open depth bomb", strings.Repeat(`{"a":`, 100000), events.CodeBadJSON, "nested"},
		{"trailing", dumpB + "{}", events.CodeTrailingData, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := events.DecodeCOS([]byte(tt.body))
			require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
			require.Equal(t, tt.code, pipeline.CodeOf(err))
			require.ErrorContains(t, err, tt.text)
		})
	}
	got, err := events.DecodeCOS([]byte(`{"Records":[` + strings.Repeat("{},", 999) + `{}]}`))
	require.NoError(t, err)
	require.Len(t, got, 1000)
}

func FuzzDecodeCOS(f *testing.F) {
	for _, seed := range []string{
		dumpA, dumpB, `{"Records":[{}]}`, `{"Records":[null]}`,
		record("/125/b/a%2", "http://h/%", "cos:ObjectRemove:Delete", `"x-cos-meta-position":"1"`, ""),
		`{"Records":[{"cos":{"cosBucket":{"name":1,"appid":-1},"cosObject":{"size":"9","meta":{"X-COS-META-BATCH":{}}}},"event":{"eventTime":"2020-01-01T00:00:00Z"}}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := events.DecodeCOS(body)
		requireEvents(t, got, err)
	})
}

func ExampleDecodeCOS() {
	got, err := events.DecodeCOS([]byte(dumpB))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(got[0].Bucket, got[0].Keys, got[0].Order, *got[0].Position)
	// Output: hary666-1259480965 [company.png] A12 3
}

func TestFromMetadata(t *testing.T) {
	t.Parallel()
	e := events.FromMetadata(map[string]string{"x-cos-meta-order-id": "A12", "x-cos-meta-position": "3", "x-cos-meta-batch": " b \"1\"", "x-cos-meta-other": "z"})
	require.Equal(t, "A12", e.Order)
	require.Equal(t, 3, *e.Position)
	require.Equal(t, `b "1"`, e.Batch)
	require.Empty(t, e.Note)
	e = events.FromMetadata(map[string]string{"x-cos-meta-order-id": "A\n", "x-cos-meta-position": "-1"})
	require.Nil(t, e.Position)
	require.NotEmpty(t, e.Note)
	require.Equal(t, events.Event{}, events.FromMetadata(nil))
}
