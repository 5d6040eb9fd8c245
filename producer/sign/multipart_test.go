package sign_test

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/qsign"
	"github.com/afterput/afterput/producer/sign"
)

// parts uploads a file in parts by signatures alone, as an SDK does with getAuthorization.
type parts struct {
	t    *testing.T
	cos  *coslocal.Server
	door door
	key  string
}

func newParts(t *testing.T, opt sign.Options) parts {
	t.Helper()
	p := parts{t: t, cos: newCOS(t), door: newDoor(newSigner(t, opt), keys(t))}
	p.key = fields(t, p.door.get(t, "/put-sign?ext=mp4&owner=oX&order=A1&position=0&multipart=1", announce), 200)["cosKey"].(string)
	return p
}

// ask gets a signature for a request of the bucket.
func (p parts) ask(method, query string) *httptest.ResponseRecorder {
	p.t.Helper()
	return p.door.get(p.t, "/multipart-sign?owner=oX&cosKey="+p.key+"&method="+method+"&"+query, announce)
}

func (p parts) signature(method, query string) string {
	p.t.Helper()
	got := fields(p.t, p.ask(method, query), 200)
	require.Equal(p.t, host, got["cosHost"])
	require.Equal(p.t, p.key, got["cosKey"])
	return got["authorization"].(string)
}

// send makes a request with a signature that was made for it, or for another one.
func (p parts) send(method, path, query, authorization, body string) *httptest.ResponseRecorder {
	p.t.Helper()
	return send(p.t, p.cos, method, "/"+qsign.EscapePath(path)+"?"+query, http.Header{"Authorization": {authorization}}, []byte(body))
}

func (p parts) do(method, query, body string) *httptest.ResponseRecorder {
	p.t.Helper()
	w := p.send(method, p.key, query, p.signature(method, query), body)
	require.Less(p.t, w.Code, 300, "%s ?%s: %s", method, query, w.Body)
	return w
}

func (p parts) begin() string {
	p.t.Helper()
	var begun struct {
		UploadID string `xml:"UploadId"`
	}
	require.NoError(p.t, xml.Unmarshal(p.do("POST", "uploads=", "").Body.Bytes(), &begun))
	require.NotEmpty(p.t, begun.UploadID)
	return begun.UploadID
}

// TestMultipart: every request of a multipart upload can be signed for the key, and the
// file is there in the end.
func TestMultipart(t *testing.T) {
	t.Parallel()
	m := &memory{}
	p := newParts(t, options(m))
	require.Equal(t, now.Add(sign.DefaultMultipartExpires), m.rows[0].ExpiresAt)

	id := p.begin()
	list := "encoding-type=url&max-uploads=1000&prefix=" + p.key + "&uploads="
	w := p.send("GET", "", list, p.signature("GET", list), "")
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Contains(t, w.Body.String(), id)

	complete := "<CompleteMultipartUpload>"
	for i := range 2 {
		etag := p.do("PUT", fmt.Sprintf("partNumber=%d&uploadId=%s", i+1, id), fmt.Sprint("part", i)).Header().Get("ETag")
		complete += fmt.Sprintf("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", i+1, etag)
	}
	require.Contains(t, p.do("GET", "uploadId="+id, "").Body.String(), "<PartNumber>2</PartNumber>")
	p.do("POST", "uploadId="+id, complete+"</CompleteMultipartUpload>")
	require.Equal(t, []string{p.key}, p.cos.Keys())

	p.do("DELETE", "uploadId="+p.begin(), "")
	require.Equal(t, []string{p.key}, p.cos.Keys(), "an abort leaves the object alone")
	require.Len(t, m.rows, 1, "only the first request names a key")
}

// TestMultipartOpensNothingElse: no signature of a part opens another key, another upload,
// another part or the object itself.
func TestMultipartOpensNothingElse(t *testing.T) {
	t.Parallel()
	p := newParts(t, options(&memory{}))
	id, other := p.begin(), p.begin()
	part := "partNumber=1&uploadId=" + id
	abort := p.signature("DELETE", "uploadId="+id)
	read := p.signature("GET", "uploadId="+id)
	uploads := "prefix=" + p.key + "&uploads="
	for _, tt := range []struct{ name, method, path, query, authorization string }{
		{"another key", "PUT", "users/oY/20260105/a.mp4", part, p.signature("PUT", part)},
		{"another part", "PUT", p.key, "partNumber=2&uploadId=" + id, p.signature("PUT", part)},
		{"another upload", "PUT", p.key, "partNumber=1&uploadId=" + other, p.signature("PUT", part)},
		{"the whole object", "PUT", p.key, "", p.signature("PUT", part)},
		{"its ACL", "PUT", p.key, "acl", p.signature("PUT", part)},
		{"a deletion by an abort", "DELETE", p.key, "", abort},
		{"a deletion with nothing in the ID", "DELETE", p.key, "uploadId=", abort},
		{"a deletion of another key", "DELETE", "users/oY/20260105/a.mp4", "uploadId=" + id, abort},
		{"the bytes by a list", "GET", p.key, "", read},
		{"the ACL by a list", "GET", p.key, "acl", read},
		{"the objects by the uploads", "GET", "", "prefix=" + p.key, p.signature("GET", uploads)},
		{"another prefix", "GET", "", "prefix=users%2F&uploads=", p.signature("GET", uploads)},
		{"another method", "POST", p.key, "uploadId=" + id, read},
	} {
		t.Run(tt.name, func(t *testing.T) { //nolint:paralleltest // one bucket
			w := p.send(tt.method, tt.path, tt.query, tt.authorization, "x")
			require.Equal(t, http.StatusForbidden, w.Code, w.Body)
		})
	}
	require.Empty(t, p.cos.Keys())
}

// TestMultipartRefused: what is no request of a multipart upload of a key that was given
// away is not signed.
func TestMultipartRefused(t *testing.T) {
	t.Parallel()
	opt := options(&memory{})
	at := now
	opt.Now = func() time.Time { return at }
	p := newParts(t, opt)
	plain := fields(t, p.door.get(t, "/put-sign?ext=mp4&owner=oX", announce), 200)["cosKey"].(string)
	ask := func(owner, key, method, query string) string {
		return "/multipart-sign?owner=" + owner + "&cosKey=" + url.QueryEscape(key) + "&method=" + method + "&" + query
	}
	const id = "uploadId=1595d4d1fab"
	for _, tt := range []struct {
		name, path, key string
		status          int
		code            string
	}{
		{"no key", ask("oX", p.key, "POST", "uploads="), "", 401, "UNAUTHORIZED"},
		{"without the scope", ask("oX", p.key, "POST", "uploads="), read, 403, "FORBIDDEN"},
		{"another owner", ask("oY", p.key, "POST", "uploads="), announce, 403, "KEY_NOT_SIGNED"},
		{"no owner", ask("", p.key, "POST", "uploads="), announce, 403, "KEY_NOT_SIGNED"},
		{"another user", ask("", p.key, "POST", "uploads="), "user-" + announce, 403, "KEY_NOT_SIGNED"},
		{"user for another", ask("oX", p.key, "POST", "uploads="), "user-" + announce, 403, "OWNER_MISMATCH"},
		{"unknown key", ask("oX", p.key+"x", "POST", "uploads="), announce, 403, "KEY_NOT_SIGNED"},
		{"another bucket", ask("oX", p.key, "POST", "uploads=&bucket="+second), announce, 403, "KEY_NOT_SIGNED"},
		{"unknown bucket", ask("oX", p.key, "POST", "uploads=&bucket=other-1"), announce, 400, "UNKNOWN_BUCKET"},
		{"no key to sign", "/multipart-sign?owner=oX&method=POST&uploads=", announce, 400, "MISSING_FIELD"},
		{"no method", "/multipart-sign?owner=oX&cosKey=" + p.key + "&uploads=", announce, 400, "MISSING_FIELD"},
		{"the object", ask("oX", p.key, "GET", ""), announce, 403, "MULTIPART_VERB"},
		{"a whole PUT", ask("oX", p.key, "PUT", ""), announce, 403, "MULTIPART_VERB"},
		{"a deletion", ask("oX", p.key, "DELETE", ""), announce, 403, "MULTIPART_VERB"},
		{"a deletion by an empty ID", ask("oX", p.key, "DELETE", "uploadId="), announce, 400, "BAD_FIELD"},
		{"a version", ask("oX", p.key, "DELETE", id+"&versionId=1"), announce, 403, "MULTIPART_VERB"},
		{"the ACL", ask("oX", p.key, "PUT", "acl="), announce, 403, "MULTIPART_VERB"},
		{"the ACL behind a part", ask("oX", p.key, "PUT", "acl=&partNumber=1&"+id), announce, 403, "MULTIPART_VERB"},
		{"another method", ask("oX", p.key, "PATCH", "uploads="), announce, 403, "MULTIPART_VERB"},
		{"all uploads", ask("oX", p.key, "GET", "uploads="), announce, 403, "MULTIPART_VERB"},
		{"uploads of others", ask("oX", p.key, "GET", "uploads=&prefix=users%2F"), announce, 400, "BAD_FIELD"},
		{"part 0", ask("oX", p.key, "PUT", "partNumber=0&"+id), announce, 400, "BAD_FIELD"},
		{"part 10001", ask("oX", p.key, "PUT", "partNumber=10001&"+id), announce, 400, "BAD_FIELD"},
		{"part +1", ask("oX", p.key, "PUT", "partNumber=%2B1&"+id), announce, 400, "BAD_FIELD"},
		{"an ID with a line", ask("oX", p.key, "POST", "uploadId=1%0a2"), announce, 400, "BAD_FIELD"},
		{"uploads of something", ask("oX", p.key, "POST", "uploads=1"), announce, 400, "BAD_FIELD"},
		{"a long marker", ask("oX", p.key, "GET", id+"&part-number-marker="+fmt.Sprintf("%01025d", 1)), announce, 400, "BAD_FIELD"},
		{"twice", ask("oX", p.key, "POST", id+"&"+id), announce, 400, "DUPLICATE_FIELD"},
	} {
		got := fields(t, p.door.get(t, tt.path, tt.key), tt.status)
		require.Equal(t, tt.code, got["code"], tt.name)
	}
	require.NotEmpty(t, p.signature("POST", "uploads="))

	at = now.Add(sign.DefaultExpires)
	require.Equal(t, "KEY_NOT_SIGNED", fields(t, p.door.get(t, ask("oX", plain, "POST", "uploads="), announce), 403)["code"], "multipart=1 was not asked for")
	at = now.Add(sign.DefaultMultipartExpires - time.Minute)
	ends := fmt.Sprint(now.Add(sign.DefaultMultipartExpires).Unix())
	require.Contains(t, p.signature("POST", "uploads="), ";"+ends+"&", "no signature outlives the key's time")
	at = now.Add(sign.DefaultMultipartExpires)
	require.Equal(t, "KEY_NOT_SIGNED", fields(t, p.ask("POST", "uploads="), 403)["code"])
}
