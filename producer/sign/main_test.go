package sign_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/qsign"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/producer/auth"
	"github.com/afterput/afterput/producer/sign"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	bucket    = "photos-1250000000"
	second    = "videos-1250000000"
	host      = bucket + ".cos.ap-guangzhou.myqcloud.com"
	announce  = "announce-0123456789abcdef"
	read      = "read-0123456789abcdef"
	secretID  = "AKIDtest"
	secretKey = "hush-hush"
)

var now = time.Date(2026, 1, 5, 3, 4, 5, 0, time.UTC)

// memory records what was signed.
type memory struct {
	rows   []ledger.Signed
	err    error
	taken  int // so many keys are called taken
	called atomic.Int64
}

func (m *memory) Sign(_ context.Context, s ledger.Signed) error {
	m.called.Add(1)
	if m.taken > 0 {
		m.taken--
		return pipeline.Errorf(pipeline.Conflict, "ledger.sign", s.Key, "the key was signed before")
	}
	if m.err == nil {
		m.rows = append(m.rows, s)
	}
	return m.err
}

func (m *memory) Signed(_ context.Context, ids ...string) (map[string]ledger.Signed, error) {
	known := map[string]ledger.Signed{}
	for _, row := range m.rows {
		if id := pipeline.UploadID(row.Bucket, row.Key); slices.Contains(ids, id) {
			known[id] = row
		}
	}
	return known, m.err
}

func options(l sign.Recorder) sign.Options {
	key := qsign.Key{ID: secretID, Secret: secretKey}
	return sign.Options{
		Buckets: []sign.Bucket{
			{Name: bucket, Host: host, Key: key},
			{Name: second, Host: "127.0.0.1:9000", Key: qsign.Key{ID: "AKIDtemp", Secret: "s", Token: "t0ken"}},
		},
		Rules: sign.Rules{
			Types:         []string{"image/jpeg", "image/heic", "video/mp4", "video/quicktime"},
			MaxImageBytes: 2000, MaxVideoBytes: 9000, Orders: true,
		},
		Ledger: l,
		Now:    func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler),
	}
}

func newSigner(t *testing.T, opt sign.Options) *sign.Signer {
	t.Helper()
	s, err := sign.New(opt)
	require.NoError(t, err)
	return s
}

// keys lets in by bearer keys; a caller named user is bound to oU.
func keys(t *testing.T) sign.Door {
	t.Helper()
	k, err := auth.NewKeys([]auth.Key{
		{Name: "backend", Secret: announce, Scopes: []auth.Scope{auth.ScopeAnnounce}},
		{Name: "user", Secret: "user-" + announce, Scopes: []auth.Scope{auth.ScopeAnnounce}},
		{Name: "reader", Secret: read, Scopes: []auth.Scope{auth.ScopeRead}},
	})
	require.NoError(t, err)
	return sign.Door{
		Require: func(next http.Handler) http.Handler { return k.Require(auth.ScopeAnnounce, next) },
		Owner: func(ctx context.Context) string {
			if auth.Caller(ctx) == "user" {
				return "oU"
			}
			return ""
		},
	}
}

// door is the HTTP side.
type door struct{ http.Handler }

func newDoor(s *sign.Signer, d sign.Door) door {
	mux := http.NewServeMux()
	s.Register(mux, d)
	return door{mux}
}

// get asks with a key; change may change the request.
func (d door) get(t *testing.T, target, key string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

// fields reads a flat answer.
func fields(t *testing.T, resp *httptest.ResponseRecorder, status int) map[string]any {
	t.Helper()
	body := resp.Body.Bytes()
	require.Equal(t, status, resp.Code, "%s", body)
	require.Equal(t, "application/json; charset=utf-8", resp.Header().Get("Content-Type"))
	require.Equal(t, "no-store", resp.Header().Get("Cache-Control"))
	require.NotEmpty(t, resp.Header().Get(auth.RequestIDHeader))
	require.NotContains(t, string(body), secretKey)
	var m map[string]any
	require.NoError(t, json.Unmarshal(body, &m), "%s", body)
	return m
}

// newCOS starts a bucket that knows the key.
func newCOS(t *testing.T) *coslocal.Server {
	t.Helper()
	s, err := coslocal.New(coslocal.Options{
		Dir: t.TempDir(), Bucket: bucket, Keys: map[string]string{secretID: secretKey}, Now: func() time.Time { return now },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func newLedger(t *testing.T) *ledger.Ledger {
	t.Helper()
	db, err := sqldb.Create(t.Context(), ledgertest.SQLite(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	l, err := ledger.New(ledger.Options{DB: db, Now: func() time.Time { return now }})
	require.NoError(t, err)
	return l
}
