package coslocal_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/qsign"
)

// form posts fields and then the file, as a mini program's uploadFile does.
func (w *world) form(t *testing.T, fields map[string]string, file string) answer {
	t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for name, v := range fields {
		require.NoError(t, m.WriteField(name, v))
	}
	part, err := m.CreateFormFile("file", "tmp_1.jpg")
	require.NoError(t, err)
	_, err = part.Write([]byte(file))
	require.NoError(t, err)
	require.NoError(t, m.Close())
	return w.do(t, "POST", "/", http.Header{"Content-Type": {m.FormDataContentType()}}, body.String(), false)
}

// policyFields signs a policy for keys of one owner, images of 2 to 10 bytes.
func policyFields(t *testing.T, from time.Time) map[string]string {
	t.Helper()
	signed, err := qsign.SignPolicy(testKey(), qsign.Policy{Conditions: []qsign.Condition{
		qsign.Equal("bucket", bucket), qsign.Prefix("key", "users/o/"),
		qsign.Prefix("Content-Type", "image/"), qsign.Size(2, 10),
	}}, qsign.Valid(from, time.Minute))
	require.NoError(t, err)
	fields := signed.Fields()
	fields["key"], fields["Content-Type"] = "users/o/图.jpg", "image/jpeg"
	return fields
}

func TestPostPolicy(t *testing.T) {
	t.Parallel()
	now := time.Now()
	tests := []struct {
		name   string
		from   time.Time
		change func(map[string]string)
		file   string
		status int
		code   string
	}{
		{"good", now, func(map[string]string) {}, "hello", 204, ""},
		{"status 200", now, func(f map[string]string) { f["success_action_status"] = "200" }, "hello", 200, ""},
		{"status 201", now, func(f map[string]string) { f["success_action_status"] = "201" }, "hello", 201, "<PostResponse>"},
		{"file name", now, func(f map[string]string) { f["key"] = "users/o/${filename}" }, "hello", 204, ""},
		{"other key", now, func(f map[string]string) { f["key"] = "users/x/a.jpg" }, "hello", 403, "AccessDenied"},
		{"other type", now, func(f map[string]string) { f["Content-Type"] = "text/html" }, "hello", 403, "AccessDenied"},
		{"no type", now, func(f map[string]string) { delete(f, "Content-Type") }, "hello", 403, "AccessDenied"},
		{"no key", now, func(f map[string]string) { delete(f, "key") }, "hello", 400, "InvalidArgument"},
		{"too large", now, func(map[string]string) {}, "12345678901", 400, "EntityTooLarge"},
		{"too small", now, func(map[string]string) {}, "1", 400, "EntityTooSmall"},
		{"expired", now.Add(-2 * time.Minute), func(map[string]string) {}, "hello", 403, "has been expired"},
		{"early", now.Add(time.Minute), func(map[string]string) {}, "hello", 403, "RequestTimeTooSkewed"},
		{"forged", now, func(f map[string]string) { f["policy"] = "e30=" }, "hello", 403, "SignatureDoesNotMatch"},
		{"unsigned", now, func(f map[string]string) { delete(f, "policy") }, "hello", 403, "AccessDenied"},
		{"unknown key", now, func(f map[string]string) { f["q-ak"] = "x" }, "hello", 403, "InvalidAccessKeyId"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := open(t, coslocal.Options{})
			fields := policyFields(t, tt.from)
			fields["x-cos-meta-order"] = "7"
			tt.change(fields)
			a := w.form(t, fields, tt.file)
			require.Equal(t, tt.status, a.status, a.body)
			require.Contains(t, a.body, tt.code)
			if tt.status >= 300 {
				require.Empty(t, w.Keys())
				return
			}
			key := w.Keys()[0]
			g := w.do(t, "GET", "/"+qsign.EscapePath(key), nil, "", true)
			require.Equal(t, tt.file, g.body)
			require.Equal(t, "image/jpeg", g.header.Get("Content-Type"))
			require.Equal(t, "7", g.header.Get("X-Cos-Meta-Order"))
			require.Equal(t, 1, w.Writes(key))
		})
	}
}

// TestPostSignature is the form of cos-wx-sdk-v5, and in lower case that of CloudBase.
func TestPostSignature(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{})
	sign := func(method string) string {
		return qsign.Authorization(testKey(), qsign.Request{Method: method, Path: "/", Header: qsign.Host(w.host)}, qsign.Valid(time.Now(), time.Minute))
	}
	for _, name := range []string{"Signature", "signature"} {
		a := w.form(t, map[string]string{"key": "any/" + name, name: sign("post")}, "hello")
		require.Equal(t, 204, a.status, a.body)
		require.Equal(t, "application/octet-stream", w.do(t, "HEAD", "/any/"+name, nil, "", true).header.Get("Content-Type"))
	}
	a := w.form(t, map[string]string{"key": "any/other", "Signature": sign("put")}, "hello")
	require.Equal(t, 403, a.status)
}

func FuzzForm(f *testing.F) {
	f.Add("--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na\r\n--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nb\r\n--x--\r\n")
	f.Add("--x--")
	f.Add("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\x00\"\r\n\r\n")
	server, err := coslocal.New(coslocal.Options{Dir: f.TempDir(), Bucket: bucket, Keys: map[string]string{testKey().ID: testKey().Secret}})
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, server.Close()) })
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		require.GreaterOrEqual(t, w.Code, 400)
		require.Less(t, w.Code, 500)
		require.Empty(t, server.Keys())
	})
}
