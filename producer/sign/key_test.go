package sign_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/qsign"
	"github.com/afterput/afterput/producer/sign"
)

// send makes one request to the bucket, which is asked under the signed host.
func send(t *testing.T, cos *coslocal.Server, method, target string, header http.Header, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, bytes.NewReader(body))
	r.Host = host
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	w := httptest.NewRecorder()
	cos.ServeHTTP(w, r)
	return w
}

// form posts what the guide's client posts, with changes.
func form(t *testing.T, cos *coslocal.Server, a sign.PostAnswer, change map[string]string, file []byte) *httptest.ResponseRecorder {
	t.Helper()
	fields := map[string]string{
		"key": a.CosKey, "success_action_status": "200", "Content-Type": "", "q-sign-algorithm": a.QSignAlgorithm,
		"q-ak": a.QAk, "q-key-time": a.QKeyTime, "q-signature": a.QSignature, "policy": a.Policy,
	}
	maps.Copy(fields, change)
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for name, v := range fields {
		require.NoError(t, m.WriteField(name, v))
	}
	part, err := m.CreateFormFile("file", "tmp_1.jpg")
	require.NoError(t, err)
	_, err = part.Write(file)
	require.NoError(t, err)
	require.NoError(t, m.Close())
	return send(t, cos, http.MethodPost, "/", http.Header{"Content-Type": {m.FormDataContentType()}}, body.Bytes())
}

// TestOneKeyOnly: of 1,000 signatures for random users and types, none opens another key
// or another method than its own.
func TestOneKeyOnly(t *testing.T) {
	t.Parallel()
	cos := newCOS(t)
	s := newSigner(t, options(&memory{}))
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // to be the same in every run
	owners := []string{"oX", "oY", "oZ-_1", "a.b@c"}
	exts := []string{"jpg", "JPEG", "heic", "mp4", "mov"}
	before := "users/oX/20260105/somebody-elses.jpg"
	for i := range 1000 {
		req := sign.Request{Owner: owners[rng.IntN(len(owners))], Ext: exts[rng.IntN(len(exts))], ForbidOverwrite: rng.IntN(4) == 0}
		put, err := s.Put(t.Context(), req)
		require.NoError(t, err)
		header := http.Header{"Authorization": {put.Authorization}}
		for name, v := range put.Headers {
			header.Set(name, v)
		}
		for _, other := range others(put.CosKey, before, rng) {
			w := send(t, cos, http.MethodPut, "/"+qsign.EscapePath(other), header, []byte("x"))
			require.Equal(t, http.StatusForbidden, w.Code, "PUT %s with the signature of %s", other, put.CosKey)
		}
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodDelete} {
			require.Equal(t, http.StatusForbidden, send(t, cos, method, "/"+put.CosKey, header, nil).Code, method)
		}
		require.Equal(t, http.StatusForbidden, send(t, cos, http.MethodPost, "/"+put.CosKey+"?uploads", header, nil).Code)
		require.Equal(t, http.StatusForbidden, send(t, cos, http.MethodGet, "/", header, nil).Code)

		req.ForbidOverwrite = false
		post, err := s.Post(t.Context(), req)
		require.NoError(t, err)
		for _, other := range others(post.CosKey, before, rng) {
			w := form(t, cos, post, map[string]string{"key": other}, []byte("x"))
			require.Equal(t, http.StatusForbidden, w.Code, "POST %s with the policy of %s", other, post.CosKey)
		}
		notASignature := fmt.Sprintf("q-sign-algorithm=sha1&q-ak=%s&q-sign-time=%s&q-key-time=%s&q-header-list=host&q-url-param-list=&q-signature=%s",
			post.QAk, post.QKeyTime, post.QKeyTime, post.QSignature)
		require.Equal(t, http.StatusForbidden, send(t, cos, http.MethodPut, "/"+post.CosKey, http.Header{"Authorization": {notASignature}}, []byte("x")).Code)
		for _, whole := range []string{notASignature, put.Authorization} {
			w := form(t, cos, post, map[string]string{"policy": "", "signature": whole}, []byte("x"))
			require.Equal(t, http.StatusForbidden, w.Code, "a whole Authorization in a form opens every key")
		}
		if i%50 == 0 { // and its own key it does open
			w := send(t, cos, http.MethodPut, "/"+put.CosKey, header, []byte("x"))
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			w = form(t, cos, post, nil, []byte("x"))
			require.Equal(t, http.StatusOK, w.Code, w.Body)
		}
	}
	require.Len(t, cos.Keys(), 40, "only what was signed for is there")
}

// others are keys that somebody might try with the signature of key.
func others(key, before string, rng *rand.Rand) []string {
	dir, name := key[:strings.LastIndexByte(key, '/')+1], key[strings.LastIndexByte(key, '/')+1:]
	at := rng.IntN(len(name) - 5)
	flipped := []byte(name)
	flipped[at] ^= 1
	list := []string{
		before, key + "x", key[:len(key)-1], dir + string(flipped), strings.ToUpper(key), "users/oOther/" + name,
		"thumbs/small/" + key + ".jpg", "x/" + key, key + "/x",
	}
	return []string{list[rng.IntN(len(list))], list[rng.IntN(len(list))], list[rng.IntN(len(list))]}
}

// TestRecorded: the ledger knows a key before its signature is given away.
func TestRecorded(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	s := newSigner(t, options(l))
	put, err := s.Put(t.Context(), sign.Request{Owner: "oX", Ext: "jpg", Order: "A12", Position: new(0)})
	require.NoError(t, err)
	post, err := s.Post(t.Context(), sign.Request{Owner: "oY", Ext: "jpg"})
	require.NoError(t, err)
	ids := []string{pipeline.UploadID(bucket, put.CosKey), pipeline.UploadID(bucket, post.CosKey)}
	known, err := l.Signed(t.Context(), ids...)
	require.NoError(t, err)
	ends := now.Add(sign.DefaultExpires)
	require.Equal(t, map[string]ledger.Signed{
		ids[0]: {Bucket: bucket, Key: put.CosKey, Owner: "oX", Order: "A12", Position: new(0), ExpiresAt: ends},
		ids[1]: {Bucket: bucket, Key: post.CosKey, Owner: "oY", ExpiresAt: ends},
	}, known)
}

func TestFormLimits(t *testing.T) {
	t.Parallel()
	cos := newCOS(t)
	s := newSigner(t, options(&memory{}))
	post := func(ext string) sign.PostAnswer {
		a, err := s.Post(t.Context(), sign.Request{Owner: "oX", Ext: ext})
		require.NoError(t, err)
		return a
	}
	a := post("jpg")
	require.Contains(t, form(t, cos, a, nil, make([]byte, 2001)).Body.String(), "EntityTooLarge")
	require.Contains(t, form(t, cos, a, nil, nil).Body.String(), "EntityTooSmall")
	require.Equal(t, http.StatusOK, form(t, cos, a, nil, make([]byte, 2000)).Code)
	require.Equal(t, http.StatusOK, form(t, cos, post("mp4"), nil, make([]byte, 2001)).Code)
	require.Equal(t, http.StatusForbidden, form(t, cos, a, map[string]string{"q-key-time": "1767582185;1899999999"}, []byte("x")).Code)
}

// TestForbidOverwrite: the header is covered, so that it cannot be left out, and a second
// upload fails.
func TestForbidOverwrite(t *testing.T) {
	t.Parallel()
	cos := newCOS(t)
	s := newSigner(t, options(&memory{}))
	a, err := s.Put(t.Context(), sign.Request{Owner: "oX", Ext: "jpg", ForbidOverwrite: true})
	require.NoError(t, err)
	bare := http.Header{"Authorization": {a.Authorization}}
	whole := http.Header{"Authorization": {a.Authorization}, sign.ForbidOverwriteHeader: {"true"}}
	denied := http.Header{"Authorization": {a.Authorization}, sign.ForbidOverwriteHeader: {"false"}}
	require.Equal(t, http.StatusForbidden, send(t, cos, http.MethodPut, "/"+a.CosKey, bare, []byte("1")).Code)
	require.Equal(t, http.StatusForbidden, send(t, cos, http.MethodPut, "/"+a.CosKey, denied, []byte("1")).Code)
	require.Equal(t, http.StatusOK, send(t, cos, http.MethodPut, "/"+a.CosKey, whole, []byte("1")).Code)
	require.Equal(t, http.StatusConflict, send(t, cos, http.MethodPut, "/"+a.CosKey, whole, []byte("2")).Code)
}

func FuzzExtension(f *testing.F) {
	for _, seed := range []string{"jpg", "JPG", "", "../../etc", "http:/", "jpg/..", "mp4\x00", "jp%67", "ｊｐｇ"} {
		f.Add(seed, "oX")
	}
	f.Add("jpg", "../oY")
	s, err := sign.New(options(&memory{}))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, ext, owner string) {
		a, err := s.Put(t.Context(), sign.Request{Owner: owner, Ext: ext})
		if err != nil {
			require.NotEmpty(t, pipeline.CodeOf(err))
			return
		}
		require.NoError(t, pipeline.CheckName(a.CosKey))
		require.Equal(t, owner, pipeline.OwnerOf(a.CosKey))
		require.Regexp(t, `^users/[A-Za-z0-9_.~@-]+/\d{8}/[a-z2-7]{26}\.(jpg|jpeg|jpe|heic|heif|mp4|m4v|mov)$`, a.CosKey)
	})
}
