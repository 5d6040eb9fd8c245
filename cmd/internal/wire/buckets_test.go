package wire_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/qsign"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/tasks/redistest"
)

const (
	photos = "photos-1250000000"
	papers = "papers-1250000001"
)

// account is a bucket of its own account and region.
type account struct {
	*coslocal.Server
	url string
}

func newAccount(t *testing.T, name, region string, key qsign.Key) account {
	t.Helper()
	server, err := coslocal.New(coslocal.Options{Dir: t.TempDir(), Bucket: name, Region: region})
	require.NoError(t, err)
	server.Grant(key)
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		web.Close()
		require.NoError(t, server.Close())
	})
	return account{server, web.URL}
}

// twoBuckets is one process with two buckets in two regions, each with the keys of its own
// account, its own rules and its own table of orders.
type twoBuckets struct {
	t     *testing.T
	app   *wire.App
	door  http.Handler
	cos   map[string]account
	shops map[string]*sqldb.DB // by bucket
	ends  time.Time            // of the key of papers
}

func newTwoBuckets(t *testing.T) *twoBuckets {
	t.Helper()
	permanent := qsign.Key{ID: "AKIDphotos", Secret: "hush-photos"}
	temporary := qsign.Key{ID: "AKIDpapers", Secret: "hush-papers", Token: "hush-token", Expires: time.Now().Add(8 * time.Minute).Truncate(time.Second)}
	w := &twoBuckets{t: t, ends: temporary.Expires, shops: map[string]*sqldb.DB{}, cos: map[string]account{
		photos: newAccount(t, photos, "ap-guangzhou", permanent), papers: newAccount(t, papers, "ap-shanghai", temporary),
	}}
	program := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(program, fmt.Appendf(nil, `{"secretId":%q,"secretKey":%q,"token":%q,"expiration":%d}`,
		temporary.ID, temporary.Secret, temporary.Token, temporary.Expires.Unix()), 0o600))

	cfg := valid(t)
	cfg.Redis.URL = config.URL(redistest.Start(t).URL)
	cfg.Retry.Grace, cfg.Sweep.Every = 0, 50*time.Millisecond
	cfg.Orders.Stores = []config.OrderStore{{Name: "claims", OrderTable: config.OrderTable{
		URL: config.URL("sqlite://" + filepath.Join(t.TempDir(), "claims.db")), Table: "claims", KeyColumn: "number", ImagesColumn: "pages",
	}}}
	claims, err := sqldb.Create(t.Context(), cfg.Orders.Stores[0].URL.Reveal())
	require.NoError(t, err)
	shop, err := sqldb.Open(t.Context(), cfg.Orders.URL.Reveal())
	require.NoError(t, err)
	w.shops[photos], w.shops[papers] = shop, claims
	t.Cleanup(func() { require.NoError(t, claims.Close()); require.NoError(t, shop.Close()) })
	w.exec(papers, "CREATE TABLE claims (number TEXT PRIMARY KEY, pages TEXT)")
	w.exec(papers, "INSERT INTO claims (number) VALUES ('A12')")
	w.exec(photos, "INSERT INTO orders (id, openid) VALUES ('A12', 'o1')")

	cfg.Buckets = []config.Bucket{
		{
			Name: photos, Region: "ap-guangzhou", Endpoint: w.cos[photos].url, Visibility: "probe",
			SecretID: permanent.ID, SecretKey: config.Secret(permanent.Secret),
		},
		{
			Name: papers, Region: "ap-shanghai", Endpoint: w.cos[papers].url, Visibility: "private", Orders: "claims",
			Credentials: config.Credentials{Command: []string{"cat", program}},
			Check:       config.Check{Types: []string{"image/png"}, MaxImageBytes: 5000},
			Thumbnails:  config.BucketThumbnails{Prefix: "small/", Presets: []config.Preset{{Name: "icon", Width: 32, Height: 32, Mode: "fit", Background: "#ffffff", Quality: 80, Format: "png"}}},
		},
	}
	require.NoError(t, cfg.Validate())
	w.app = open(t, cfg)
	w.door, err = w.app.Handler()
	require.NoError(t, err)
	worker, err := w.app.Worker(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, worker.Start(t.Context()))
	t.Cleanup(worker.Shutdown)
	return w
}

func (w *twoBuckets) exec(bucket, query string) {
	w.t.Helper()
	_, err := w.shops[bucket].SQL().ExecContext(w.t.Context(), query)
	require.NoError(w.t, err)
}

// images are what the order holds in the table of the bucket.
func (w *twoBuckets) images(bucket string) (list []string) {
	w.t.Helper()
	query := map[string]string{
		photos: "SELECT images FROM orders WHERE id = 'A12'", papers: "SELECT COALESCE(pages, '[]') FROM claims WHERE number = 'A12'",
	}[bucket]
	var text string
	require.NoError(w.t, w.shops[bucket].SQL().QueryRowContext(w.t.Context(), query).Scan(&text))
	require.NoError(w.t, json.Unmarshal([]byte(text), &list))
	return list
}

// sign asks for the signature of an upload for the order A12.
func (w *twoBuckets) sign(bucket, ext string) (status int, a struct{ CosHost, CosKey, Authorization, SecurityToken, Code string }) {
	w.t.Helper()
	r := ask(w.door, "GET", "/put-sign?owner=o1&order=A12&bucket="+bucket+"&ext="+ext, announcer)
	require.NoError(w.t, json.Unmarshal(r.Body.Bytes(), &a), r.Body.String())
	return r.Code, a
}

// upload puts a file by a signature and announces it, and gives its fileID once all is done.
func (w *twoBuckets) upload(bucket, ext string, body []byte) (fileID string, u pipeline.Upload) {
	w.t.Helper()
	status, a := w.sign(bucket, ext)
	require.Equal(w.t, http.StatusOK, status, a.Code)
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPut, "http://"+a.CosHost+"/"+a.CosKey, bytes.NewReader(body))
	require.NoError(w.t, err)
	r.Header.Set("Authorization", a.Authorization)
	if a.SecurityToken != "" {
		r.Header.Set("X-Cos-Security-Token", a.SecurityToken)
	}
	rec := httptest.NewRecorder()
	r.RequestURI = "/" + a.CosKey
	w.cos[bucket].ServeHTTP(rec, r)
	require.Equal(w.t, http.StatusOK, rec.Code, rec.Body.String())

	fileID = "cos://" + bucket + "/" + a.CosKey
	req := httptest.NewRequestWithContext(w.t.Context(), "POST", "/v1/uploads", strings.NewReader(`{"files":["`+fileID+`"]}`))
	req.Header.Set("Authorization", "Bearer "+announcer)
	req.Header.Set("Content-Type", "application/json")
	rec = httptest.NewRecorder()
	w.door.ServeHTTP(rec, req)
	require.Equal(w.t, http.StatusAccepted, rec.Code, rec.Body.String())

	id := pipeline.UploadID(bucket, a.CosKey)
	require.Eventually(w.t, func() bool {
		var steps []pipeline.StepRecord
		u, err = w.app.Ledger.Upload(w.t.Context(), id)
		if err == nil {
			steps, err = w.app.Ledger.Steps(w.t.Context(), id)
		}
		return err == nil && !u.CheckedAt.IsZero() &&
			!slices.ContainsFunc(steps, func(s pipeline.StepRecord) bool { return s.State == pipeline.Pending })
	}, time.Minute, 20*time.Millisecond)
	return fileID, u
}

// TestBuckets: in one process each upload is treated by the rules of its bucket, with the
// keys of its account, and stands in the table of orders that the bucket names.
func TestBuckets(t *testing.T) {
	t.Parallel()
	w := newTwoBuckets(t)
	photo := samples.Photo(samples.Options{Width: 640, Height: 480, Seed: 1})
	page := samples.PNG(64, 64)
	require.Greater(t, len(photo), 5000)
	require.Less(t, len(page), 5000)

	photoID, u := w.upload(photos, "jpg", photo)
	require.True(t, u.Accepted(), u.Detail)
	pageID, u := w.upload(papers, "png", page)
	require.True(t, u.Accepted(), u.Detail)
	require.Equal(t, pipeline.Private, u.Content.Visibility)
	require.Equal(t, []string{photoID}, w.images(photos))
	require.Equal(t, []string{pageID}, w.images(papers), "an order of the same ID in another table")
	links, err := w.app.Ledger.Links(t.Context(), u.ID)
	require.NoError(t, err)
	require.Equal(t, "claims:A12", links[0].Order)

	key := func(fileID string) string { return fileID[strings.Index(fileID, "users/"):] }
	have := w.cos[photos].Keys()
	require.Len(t, have, 4)
	for _, preset := range []string{"small", "medium", "large"} {
		require.Contains(t, have, "thumbs/"+preset+"/"+key(photoID)+".jpg")
	}
	require.Equal(t, []string{"small/icon/" + key(pageID) + ".png", key(pageID)}, w.cos[papers].Keys())
	require.Equal(t, "small/icon/k.png", w.app.ThumbnailKey(papers, "icon", "k"))

	_, until, err := w.app.Objects.PresignGet(t.Context(), papers, key(pageID), time.Hour, time.Now())
	require.NoError(t, err)
	require.True(t, w.ends.Equal(until), "no URL outlives the key of its bucket")
	_, a := w.sign(papers, "png")
	require.Contains(t, a.Authorization, fmt.Sprintf(";%d&q-key-time=", w.ends.Unix()), "nor does a signature, though sign.expires is longer")
	require.Equal(t, "hush-token", a.SecurityToken)

	// What one bucket takes the other one refuses: at the door by the name, and in the check
	// by the bytes.
	var status int
	status, a = w.sign(papers, "jpg")
	require.Equal(t, []any{http.StatusBadRequest, "EXTENSION_NOT_ALLOWED"}, []any{status, a.Code})
	_, u = w.upload(papers, "png", photo)
	require.Equal(t, pipeline.CodeTypeNotAllowed, u.Reason)
	large := samples.PhotoPNG(samples.Options{Width: 200, Height: 200, Seed: 1})
	require.Greater(t, len(large), 5000)
	_, u = w.upload(papers, "png", large)
	require.Equal(t, pipeline.CodeTooLarge, u.Reason)
	second, u := w.upload(photos, "png", large)
	require.True(t, u.Accepted(), u.Detail)
	require.Equal(t, []string{photoID, second}, w.images(photos))
	require.Equal(t, []string{pageID}, w.images(papers))
}
