package coslocal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	cos "github.com/tencentyun/cos-go-sdk-v5"

	"github.com/afterput/afterput/pipeline/objects/coslocal"
)

// listener is what callbacks go to.
type listener struct {
	url string

	mu   sync.Mutex
	got  []string
	host string
}

// listen answers every callback with status and body.
func listen(t *testing.T, status int, body string) *listener {
	t.Helper()
	l := new(listener)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.got, l.host = append(l.got, r.Header.Get("Content-Type")+" "+string(text)), r.Host
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(web.Close)
	l.url = web.URL
	return l
}

func base64JSON(t *testing.T, fields map[string]string) string {
	t.Helper()
	text, err := json.Marshal(fields)
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(text)
}

// asking makes the headers of an upload that asks for a callback to url.
func asking(t *testing.T, url, body, kind string) http.Header {
	t.Helper()
	return http.Header{
		"X-Cos-Callback":     {base64JSON(t, map[string]string{"callbackUrl": url, "callbackBody": body, "callbackBodyType": kind})},
		"X-Cos-Callback-Var": {base64JSON(t, map[string]string{"x:order": "A 1"})},
	}
}

func TestCallback(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{})
	good, bad := listen(t, 200, `{"ok":true}`), listen(t, 503, "")
	const key, body = "users/o/图.jpg", "bucket=${bucket}&object=${object}&size=${size}&order=${x:order}&none=${other}"

	got := w.do(t, "PUT", "/"+key, asking(t, good.url, body, ""), "hello", true)
	require.Equal(t, 200, got.status)
	require.Equal(t, `{"ok":true}`, got.body, "the answer goes to the uploader")
	require.NotEmpty(t, got.header.Get("ETag"))
	require.Equal(t, []string{"application/x-www-form-urlencoded bucket=" + bucket +
		"&object=users%2Fo%2F%E5%9B%BE.jpg&size=5&order=A%201&none="}, good.got)

	got = w.do(t, "PUT", "/b.jpg", asking(t, bad.url+";"+strings.TrimPrefix(good.url, "http://"), `{"k":${object}}`, "application/json"), "hello", true)
	require.Equal(t, 200, got.status, "the second address succeeds, and needs no scheme")
	require.Len(t, bad.got, 1)
	require.Equal(t, `application/json {"k":"b.jpg"}`, good.got[1])

	got = w.do(t, "PUT", "/c.jpg", asking(t, bad.url, body, ""), "hello", true)
	require.Equal(t, 203, got.status)
	require.Contains(t, got.body, "CallbackFailed")
	require.Contains(t, w.Keys(), "c.jpg", "the object is stored all the same")

	fields := policyFields(t, time.Now())
	for name, v := range asking(t, good.url, body, "") {
		fields[strings.ToLower(name)] = v[0]
	}
	got = w.form(t, fields, "hello")
	require.Equal(t, 200, got.status, got.body)
	require.Equal(t, `{"ok":true}`, got.body)
	require.Len(t, good.got, 3)
}

// The answer of a callback is inside that of a completed multipart upload.
func TestCallbackOfParts(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{})
	good, bad := listen(t, 200, `{"ok":true}`), listen(t, 500, "")
	for url, want := range map[string]string{
		good.url: "<CallbackResult><Status>200</Status><CallbackBody>" + base64.StdEncoding.EncodeToString([]byte(`{"ok":true}`)) + "</CallbackBody></CallbackResult>",
		bad.url:  "<CallbackResult><Status>203</Status><Error><Code>CallbackFailed</Code>",
	} {
		begun, _, err := w.sdk.Object.InitiateMultipartUpload(t.Context(), "v.mp4", nil)
		require.NoError(t, err)
		part, err := w.sdk.Object.UploadPart(t.Context(), "v.mp4", begun.UploadID, 1, bytes.NewReader([]byte("x")), nil)
		require.NoError(t, err)
		body := "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + part.Header.Get("ETag") + "</ETag></Part></CompleteMultipartUpload>"
		got := w.do(t, "POST", "/v.mp4?uploadId="+begun.UploadID, asking(t, url, "object=${object}", ""), body, true)
		require.Equal(t, 200, got.status, got.body)
		require.Contains(t, got.body, want)
	}
	require.Equal(t, []string{"application/x-www-form-urlencoded object=v.mp4"}, good.got)
}

func TestCallbackRefused(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{})
	const url, body = "http://127.0.0.1/", "object=${object}"
	noVars := asking(t, url, body, "")
	noVars.Set("X-Cos-Callback-Var", "e30")
	for name, header := range map[string]http.Header{
		"no base64":    {"X-Cos-Callback": {"{}"}},
		"no JSON":      {"X-Cos-Callback": {"aGVsbG8="}},
		"no URL":       asking(t, "", body, ""),
		"no body":      asking(t, url, "", ""),
		"six URLs":     asking(t, strings.Repeat(url+";", 5)+url, body, ""),
		"another type": asking(t, url, body, "text/plain"),
		"bad vars":     noVars,
	} {
		got := w.do(t, "PUT", "/a.jpg", header, "hello", true)
		require.Equal(t, 400, got.status, name)
		require.Contains(t, got.body, "InvalidArgument", name)
	}
	require.Empty(t, w.Keys())
	_, err := w.sdk.Object.Put(t.Context(), "a.jpg", strings.NewReader("plain"), &cos.ObjectPutOptions{})
	require.NoError(t, err)
}
