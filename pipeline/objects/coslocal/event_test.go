package coslocal_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	cos "github.com/tencentyun/cos-go-sdk-v5"

	"github.com/afterput/afterput/pipeline/objects/coslocal"
)

const (
	timeout = 5 * time.Second
	tick    = 5 * time.Millisecond
)

// kept gives the events so far as "name key".
func (w *world) kept(t *testing.T) []string {
	t.Helper()
	w.FlushEvents()
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, raw := range w.events {
		var e struct {
			Records []struct {
				COS struct {
					Object struct{ Key string } `json:"cosObject"`
				}
				Event struct{ EventName string }
			}
		}
		require.NoError(t, json.Unmarshal(raw, &e))
		require.Len(t, e.Records, 1)
		out = append(out, e.Records[0].Event.EventName+" "+e.Records[0].COS.Object.Key)
	}
	return out
}

func TestEvents(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{})
	w.put(t, "users/o/1 图.jpg", "hello")
	require.Equal(t, 204, w.form(t, policyFields(t, time.Now()), "hello").status)
	_, _, err := w.sdk.Object.Copy(t.Context(), "copy", w.host+"/users/o/1 图.jpg", nil)
	require.NoError(t, err)
	for range 2 {
		_, err = w.sdk.Object.Delete(t.Context(), "copy")
		require.NoError(t, err)
	}
	init, _, err := w.sdk.Object.InitiateMultipartUpload(t.Context(), "big", nil)
	require.NoError(t, err)
	resp, err := w.sdk.Object.UploadPart(t.Context(), "big", init.UploadID, 1, http.NoBody, &cos.ObjectUploadPartOptions{})
	require.NoError(t, err)
	_, _, err = w.sdk.Object.CompleteMultipartUpload(t.Context(), "big", init.UploadID, &cos.CompleteMultipartUploadOptions{
		Parts: []cos.Object{{PartNumber: 1, ETag: resp.Header.Get("ETag")}},
	})
	require.NoError(t, err)
	require.Equal(t, []string{
		"cos:ObjectCreated:Put /1250000000/photos/users/o/1 图.jpg",
		"cos:ObjectCreated:Post /1250000000/photos/users/o/图.jpg",
		"cos:ObjectCreated:Copy /1250000000/photos/copy",
		"cos:ObjectRemove:Delete /1250000000/photos/copy",
		"cos:ObjectCreated:CompleteMultipartUpload /1250000000/photos/big",
	}, w.kept(t))
}

// TestEventShape compares with the event that COS documents (SCF 583/9707).
func TestEventShape(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{Now: func() time.Time { return time.Now().Truncate(time.Second) }})
	a := w.do(t, "PUT", "/users/o/1%20%E5%9B%BE.jpg", http.Header{
		"Content-Type": {"image/jpeg"}, "X-Cos-Meta-Order": {"7"},
	}, "hello", true)
	require.Equal(t, 200, a.status)
	w.FlushEvents()
	var got struct {
		Records []struct {
			Event struct{ EventTime int64 }
		}
	}
	require.Len(t, w.events, 1)
	require.NoError(t, json.Unmarshal(w.events[0], &got))
	require.JSONEq(t, fmt.Sprintf(`{"Records":[{"cos":{
		"cosSchemaVersion":"1.0","cosNotificationId":"unknown",
		"cosBucket":{"appid":"1250000000","name":"photos","region":"gz","cosRegion":"ap-guangzhou","s3Region":"ap-guangzhou"},
		"cosObject":{"key":"/1250000000/photos/users/o/1 图.jpg","size":5,"vid":"",
			"url":"http://photos-1250000000.cos.ap-guangzhou.myqcloud.com/users/o/1%%20%%E5%%9B%%BE.jpg",
			"meta":{"Content-Type":"image/jpeg","x-cos-request-id":%q,"x-cos-meta-order":"7"}}},
		"event":{"eventName":"cos:ObjectCreated:Put","eventVersion":"1.0","eventTime":%d,"eventSource":"qcs::cos",
			"eventQueue":"qcs:0:scf:ap-guangzhou:appid/1250000000:default.afterput.$DEFAULT","reqid":0,"reservedInfo":"",
			"requestParameters":{"requestSourceIP":"127.0.0.1","requestHeaders":{"Authorization":""}}}}]}`,
		a.header.Get("X-Cos-Request-Id"), got.Records[0].Event.EventTime), string(w.events[0]))
	require.NotContains(t, string(w.events[0]), "q-signature")
}

func TestEventFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault coslocal.Fault
		want  []string
	}{
		{coslocal.Fault{Kind: coslocal.EventLose, Times: 1}, []string{"b", "c"}},
		{coslocal.Fault{Kind: coslocal.EventDouble, Times: 1}, []string{"a", "a", "b", "c"}},
		{coslocal.Fault{Kind: coslocal.EventReorder, Times: 1}, []string{"b", "a", "c"}},
		{coslocal.Fault{Kind: coslocal.EventReorder, Prefix: "c"}, []string{"a", "b", "c"}},
	}
	for _, tt := range tests {
		t.Run(string(tt.fault.Kind)+tt.fault.Prefix, func(t *testing.T) {
			t.Parallel()
			w := open(t, coslocal.Options{})
			require.NoError(t, w.Faults().Set(tt.fault))
			for _, key := range []string{"a", "b", "c"} {
				w.put(t, key, key)
			}
			var want []string
			for _, key := range tt.want {
				want = append(want, "cos:ObjectCreated:Put /1250000000/photos/"+key)
			}
			require.Equal(t, want, w.kept(t))
			require.Equal(t, 1, w.Faults().Fired(string(tt.fault.Kind)))
		})
	}
	t.Run("held until nothing follows", func(t *testing.T) {
		t.Parallel()
		w := open(t, coslocal.Options{})
		require.NoError(t, w.Faults().Set(coslocal.Fault{Kind: coslocal.EventReorder}))
		w.put(t, "a", "a")
		require.Eventually(t, func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return len(w.events) == 1
		}, timeout, tick)
	})
}

func TestFaultsAreRepeatable(t *testing.T) {
	t.Parallel()
	run := func() (hits []int) {
		w := open(t, coslocal.Options{Seed: 7})
		require.NoError(t, w.Faults().Set(coslocal.Fault{Name: "busy", Kind: coslocal.Refuse, Methods: []string{"HEAD"}, Prefix: "k", Rate: 0.3}))
		for range 40 {
			hits = append(hits, w.do(t, "HEAD", "/k", nil, "", true).status)
		}
		require.Equal(t, 404, w.do(t, "HEAD", "/other", nil, "", true).status)
		require.Positive(t, w.Faults().Fired("busy"))
		require.Less(t, w.Faults().Fired("busy"), 40)
		w.Faults().Clear("busy")
		require.Equal(t, 404, w.do(t, "HEAD", "/k", nil, "", true).status)
		return hits
	}
	require.Equal(t, run(), run())
}

func TestFaultsRefuseNonsense(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{})
	require.Error(t, w.Faults().Set(coslocal.Fault{Kind: "x"}))
	require.Error(t, w.Faults().Set(coslocal.Fault{Kind: coslocal.Refuse, Rate: 2}))
}
