package coslocal_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	cos "github.com/tencentyun/cos-go-sdk-v5"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/qsign"
)

const bucket = "photos-1250000000"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testKey() qsign.Key { return qsign.Key{ID: "AKIDtest", Secret: "s3cr3t-s3cr3t"} }

// world is a server on loopback with the vendor's SDK before it.
type world struct {
	*coslocal.Server
	url  string
	host string
	sdk  *cos.Client
	http *http.Client // plain

	mu     sync.Mutex
	events [][]byte
}

func open(t *testing.T, opt coslocal.Options) *world {
	t.Helper()
	w := new(world)
	if opt.Dir == "" {
		opt.Dir = t.TempDir()
	}
	opt.Bucket = bucket
	opt.Keys = map[string]string{testKey().ID: testKey().Secret}
	opt.OnEvent = func(e []byte) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.events = append(w.events, e)
	}
	var err error
	w.Server, err = coslocal.New(opt)
	require.NoError(t, err)
	web := httptest.NewServer(w.Server)
	transport := &http.Transport{}
	t.Cleanup(func() {
		require.NoError(t, w.Close())
		transport.CloseIdleConnections()
		web.Close()
	})
	u, err := url.Parse(web.URL)
	require.NoError(t, err)
	w.url, w.host, w.http = web.URL, u.Host, &http.Client{Transport: transport}
	w.sdk = cos.NewClient(&cos.BaseURL{BucketURL: u}, &http.Client{Transport: &cos.AuthorizationTransport{
		SecretID: testKey().ID, SecretKey: testKey().Secret, Transport: transport,
	}})
	return w
}

func (w *world) put(t *testing.T, key, body string) {
	t.Helper()
	_, err := w.sdk.Object.Put(t.Context(), key, bytes.NewReader([]byte(body)), nil)
	require.NoError(t, err)
}

// answer is what a plain HTTP exchange gave.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request; with sign it is signed over the host.
func (w *world) do(t *testing.T, method, path string, header http.Header, body string, sign bool) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	maps.Copy(r.Header, header)
	if sign {
		r.Header.Set("Authorization", qsign.Authorization(testKey(), qsign.Request{
			Method: method, Path: r.URL.Path, Header: qsign.Host(w.host),
		}, qsign.Valid(time.Now(), time.Minute)))
	}
	resp, err := w.http.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Header, string(text)}
}
