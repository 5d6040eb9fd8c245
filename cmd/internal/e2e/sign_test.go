package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/qsign"
	"github.com/afterput/afterput/tasks/redistest"
)

// guide is the client of Tencent's upload guide for mini programs: it knows the address
// of the signing server and nothing else, and sends what the guide's code sends.
type guide struct {
	t      *testing.T
	server string
}

// ask gets a signature; there is no key in a mini program.
func (g guide) ask(path string) map[string]any {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, g.server+path, nil)
	require.NoError(g.t, err)
	status, body := g.do(req)
	require.Equal(g.t, http.StatusOK, status, "%s", body)
	var data map[string]any
	require.NoError(g.t, json.Unmarshal(body, &data))
	return data
}

// post does what uploadFile of the guide does, and gives the key.
func (g guide) post(query string, file []byte) string {
	g.t.Helper()
	data := g.ask("/post-policy?" + query)
	text := func(name string) string { s, _ := data[name].(string); return s }
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	for _, field := range [][2]string{
		{"key", text("cosKey")},
		{"success_action_status", "200"},
		{"Content-Type", ""},
		{"q-sign-algorithm", text("qSignAlgorithm")},
		{"q-ak", text("qAk")},
		{"q-key-time", text("qKeyTime")},
		{"q-signature", text("qSignature")},
		{"policy", text("policy")},
	} {
		require.NoError(g.t, m.WriteField(field[0], field[1]))
	}
	part, err := m.CreateFormFile("file", "tmp_0a1b2c.jpg")
	require.NoError(g.t, err)
	_, err = part.Write(file)
	require.NoError(g.t, err)
	require.NoError(g.t, m.Close())
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, "http://"+text("cosHost"), &form)
	require.NoError(g.t, err)
	req.Header.Set("Content-Type", m.FormDataContentType())
	status, body := g.do(req)
	require.Equal(g.t, http.StatusOK, status, "%s", body)
	return text("cosKey")
}

// put does what putFile of the guide does, and gives the key. wx.request says
// application/json where a page says nothing.
func (g guide) put(query string, file []byte) string {
	g.t.Helper()
	data := g.ask("/put-sign?" + query)
	text := func(name string) string { s, _ := data[name].(string); return s }
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodPut, "http://"+text("cosHost")+"/"+text("cosKey"), bytes.NewReader(file))
	require.NoError(g.t, err)
	req.Header.Set("Authorization", text("authorization"))
	req.Header.Set("Content-Type", "application/json")
	status, body := g.do(req)
	require.Equal(g.t, http.StatusOK, status, "%s", body)
	return text("cosKey")
}

func (g guide) do(req *http.Request) (int, []byte) {
	g.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	require.NoError(g.t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	require.NoError(g.t, err)
	return resp.StatusCode, body
}

// TestE2ESignedUploads: photos that were signed for an order appear in it as chosen, with
// their thumbnails and a cached URL, by their events alone. The phone sends nothing
// afterwards.
func TestE2ESignedUploads(t *testing.T) {
	w := newWorld(t, redistest.Mini(t))
	w.publicBucket()
	srv := w.serve()
	workers := w.run("worker")
	o := order{id: "S1", owner: devworld.DevOwner, keys: make([]string, 3)}
	_, err := w.shop.ExecContext(t.Context(), "INSERT INTO orders (id, openid) VALUES (?, ?)", o.id, o.owner)
	require.NoError(t, err)

	g := guide{t: t, server: "http://" + w.cfg.HTTP.Listen}
	o.keys[2] = g.post("ext=jpg&order=S1&position=2", photo(2))
	o.keys[0] = g.put("ext=jpg&order=S1&position=0", photo(0))
	o.keys[1] = g.post("ext=jpg&order=S1&position=1", photo(1))
	w.COS.FlushEvents()
	w.settled(t, []order{o}, hang)

	w.judge(t, []order{o})
	require.Equal(t, 9, w.thumbnails())
	fileIDs := w.images(t, o.id)
	require.Eventually(t, func() bool {
		urls, err := w.app.Cache.Get(context.WithoutCancel(t.Context()), fileIDs...)
		return err == nil && len(urls) == 3
	}, hang, 50*time.Millisecond, "a URL is not cached")
	for i, key := range o.keys {
		u, err := w.app.Ledger.Upload(t.Context(), pipeline.UploadID(devworld.Bucket, key))
		require.NoError(t, err)
		require.Equal(t, []string{"cos-event", devworld.DevOwner}, []string{u.Source, u.Owner})
		links, err := w.app.Ledger.Links(t.Context(), u.ID)
		require.NoError(t, err)
		require.Len(t, links, 1)
		require.Equal(t, i, *links[0].Position)
	}
	srv.stop()
	workers.stop()
}

// publicBucket lets everybody read the bucket, as the console does.
func (w *world) publicBucket() {
	w.t.Helper()
	b := w.cfg.Buckets[0]
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPut, b.Endpoint+"/?acl", nil)
	require.NoError(w.t, err)
	req.Header.Set("x-cos-acl", coslocal.ACLPublicRead)
	req.Header.Set("Authorization", qsign.Authorization(qsign.Key{ID: b.SecretID, Secret: b.SecretKey.Reveal()},
		qsign.Request{Method: http.MethodPut, Path: "/", Header: qsign.Host(req.URL.Host)}, qsign.Valid(time.Now().Add(-time.Minute), time.Hour)))
	status, body := guide{t: w.t}.do(req)
	require.Equal(w.t, http.StatusOK, status, "%s", body)
}
