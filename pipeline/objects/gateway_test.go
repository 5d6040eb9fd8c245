package objects_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/cloudbase"
	"github.com/afterput/afterput/pipeline/cloudbase/cloudbasetest"
	"github.com/afterput/afterput/pipeline/objects"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/qsign"
)

// cloudWorld is a Store over a bucket of CloudBase: the gateway, and COS behind it.
type cloudWorld struct {
	world
	gateway *cloudbasetest.Gateway
	client  *cloudbase.Client
}

func openCloud(t *testing.T) cloudWorld {
	t.Helper()
	temporary := qsign.Key{ID: "AKIDtmp", Secret: "tmp-s3cr3t", Token: "tmp-t0ken"}
	server, err := coslocal.New(coslocal.Options{
		Dir: t.TempDir(), Bucket: bucket, Keys: map[string]string{secretID: secretKey, temporary.ID: temporary.Secret},
		Tokens: map[string]string{temporary.ID: temporary.Token},
	})
	require.NoError(t, err)
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		web.Close()
	})
	g := cloudbasetest.New(t)
	g.Use(cloudbasetest.Bucket{Name: bucket, URL: web.URL, Key: qsign.Key{ID: secretID, Secret: secretKey}, Temporary: temporary})
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	c, err := cloudbase.New(cloudbase.Options{Env: cloudbasetest.Env, Endpoint: g.URL, APIKey: cloudbasetest.APIKey, Client: client})
	require.NoError(t, err)
	store, err := objects.New(objects.Options{Buckets: []objects.BucketOptions{{
		Name: bucket, Endpoint: web.URL, SecretID: secretID, SecretKey: secretKey, Env: cloudbasetest.Env, Uploads: c,
	}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return cloudWorld{world{store, server, web.URL}, g, c}
}

func cloudID(key string) pipeline.FileID {
	return pipeline.FileID{Env: cloudbasetest.Env, Bucket: bucket, Path: key}
}

// TestFileIDsResolve: what the Store puts has a download URL, whatever its name, until it
// is deleted; what is put by a key alone is there and has none.
func TestFileIDsResolve(t *testing.T) {
	t.Parallel()
	w := openCloud(t)
	w.gateway.ACL("PRIVATE", "")
	const plain = "thumbs/small/plain.jpg"
	keys := []string{"thumbs/small/users/oX/图 (1)+{2}?#%.jpg", "thumbs/small/a%2Fb.jpg", "thumbs/small/1.jpg"}
	for _, key := range keys {
		tag, err := w.store.Put(t.Context(), bucket, key, []byte(key), pipeline.PutOptions{ContentType: "image/jpeg", CacheControl: "max-age=60"})
		require.NoError(t, err, key)
		require.NotEmpty(t, tag)
		meta, err := w.store.Metadata(t.Context(), bucket, key)
		require.NoError(t, err)
		require.NotEmpty(t, meta["x-cos-meta-fileid"])
	}
	w.seed(t, plain, []byte("x"), "image/jpeg", false)
	_, err := w.store.Head(t.Context(), bucket, plain)
	require.NoError(t, err)

	ids := make([]string, 0, len(keys)+1)
	for _, key := range append(keys, plain) {
		ids = append(ids, cloudID(key).String())
	}
	got, err := w.client.Downloads(t.Context(), ids)
	require.NoError(t, err)
	for i, key := range keys {
		require.NoError(t, got[i].Err, key)
		require.True(t, got[i].Signed)
		status, body, header := fetch(t, got[i].URL)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, key, body)
		require.Equal(t, "image/jpeg", header.Get("Content-Type"))
		require.Equal(t, "max-age=60", header.Get("Cache-Control"))
		status, _, _ = fetch(t, strings.Split(got[i].URL, "?")[0])
		require.Equal(t, http.StatusForbidden, status, "private")
	}
	require.Equal(t, pipeline.Missing, pipeline.ClassOf(got[len(keys)].Err))

	for _, key := range keys {
		require.NoError(t, w.store.Delete(t.Context(), bucket, key))
	}
	got, err = w.client.Downloads(t.Context(), ids)
	require.NoError(t, err)
	for i := range ids {
		require.Equal(t, pipeline.Missing, pipeline.ClassOf(got[i].Err))
	}
}

func fetch(t *testing.T, url string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body), resp.Header
}

// TestTicketsAreNarrow: what the gateway permits is one key with its metadata, token, type
// and size, and nothing else.
func TestTicketsAreNarrow(t *testing.T) {
	t.Parallel()
	w := openCloud(t)
	for name, change := range map[string]func(*http.Request){
		"as it is":       func(*http.Request) {},
		"no metadata":    func(r *http.Request) { r.Header.Del("X-Cos-Meta-Fileid") },
		"other metadata": func(r *http.Request) { r.Header.Set("X-Cos-Meta-Fileid", "x") },
		"no token":       func(r *http.Request) { r.Header.Del("X-Cos-Security-Token") },
		"other type":     func(r *http.Request) { r.Header.Set("Content-Type", "text/html") },
		"other key":      func(r *http.Request) { r.URL.Path = "/other.jpg" },
		"other method":   func(r *http.Request) { r.Method = http.MethodDelete },
	} {
		to, err := w.client.Upload(t.Context(), cloudID("a.jpg"), 5, "image/jpeg")
		require.NoError(t, err)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, to.URL, strings.NewReader("hello"))
		require.NoError(t, err)
		r.Header = to.Header.Clone()
		change(r)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, name == "as it is", resp.StatusCode == http.StatusOK, name)
	}
}

// TestGatewayPutFails: what goes wrong on either side has its class, and no token in it.
func TestGatewayPutFails(t *testing.T) {
	t.Parallel()
	put := func(w cloudWorld) error {
		_, err := w.store.Put(t.Context(), bucket, "a.jpg", []byte("hello"), pipeline.PutOptions{ContentType: "image/jpeg"})
		return err
	}
	for name, tt := range map[string]struct {
		fault coslocal.Fault
		class pipeline.Class
	}{
		"slow down": {coslocal.Fault{Kind: coslocal.Refuse}, pipeline.Throttled},
		"wrong CRC": {coslocal.Fault{Kind: coslocal.WrongCRC}, pipeline.Transient},
	} {
		w := openCloud(t)
		require.NoError(t, w.server.Faults().Set(tt.fault))
		err := put(w)
		require.Equal(t, tt.class, pipeline.ClassOf(err), "%s: %v", name, err)
		require.NotContains(t, err.Error(), "tmp-t0ken")
	}
	const answer = `[{"uploadUrl":"%s","authorization":"q-sign-algorithm=sha1","token":"tmp-t0ken","cloudObjectMeta":"m","cloudObjectId":"%s"}]`
	for name, tt := range map[string]struct {
		url, id string
		class   pipeline.Class
		text    string
	}{
		"signature refused": {"/a.jpg", cloudID("a.jpg").String(), pipeline.Denied, "403"},
		"other environment": {"/a.jpg", "cloud://other." + bucket + "/a.jpg", pipeline.Invalid, "check the bucket's name"},
		"other bucket":      {"/a.jpg", "cloud://" + cloudbasetest.Env + ".other-125/a.jpg", pipeline.Invalid, "check the bucket's name"},
		"other key":         {"/b.jpg", cloudID("a.jpg").String(), pipeline.Transient, "no URL of the object"},
		"no URL":            {"", cloudID("a.jpg").String(), pipeline.Transient, "no URL of the object"},
	} {
		w := openCloud(t)
		w.gateway.Answer(func(rw http.ResponseWriter) bool {
			_, _ = fmt.Fprintf(rw, answer, w.url+tt.url, tt.id)
			return true
		})
		err := put(w)
		require.Equal(t, tt.class, pipeline.ClassOf(err), "%s: %v", name, err)
		require.ErrorContains(t, err, tt.text)
		require.NotContains(t, err.Error(), "tmp-t0ken")
	}
	w := openCloud(t)
	w.gateway.Answer(func(rw http.ResponseWriter) bool {
		_, _ = fmt.Fprint(rw, `[{"code":"STORAGE_EXCEED_AUTHORITY","message":"m"}]`)
		return true
	})
	require.Equal(t, pipeline.Denied, pipeline.ClassOf(put(w)))
}
