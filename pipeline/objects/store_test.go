package objects_test

import (
	"bytes"
	"context"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/objects"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/objects/objectstest"
)

const (
	bucket    = "photos-1250000000"
	secretID  = "AKIDtest"
	secretKey = "s3cr3t-s3cr3t"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a Store over a COS server on loopback.
type world struct {
	store  *objects.Store
	server *coslocal.Server
	url    string
}

func open(t *testing.T, local coslocal.Options, opt objects.Options) world {
	t.Helper()
	local.Dir, local.Bucket = t.TempDir(), bucket
	local.Keys = map[string]string{secretID: secretKey}
	server, err := coslocal.New(local)
	require.NoError(t, err)
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		web.Close()
	})
	if opt.Buckets == nil {
		opt.Buckets = []objects.BucketOptions{{Name: bucket, SecretID: secretID, SecretKey: secretKey}}
	}
	opt.Buckets[0].Endpoint = web.URL
	store, err := objects.New(opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return world{store, server, web.URL}
}

func TestSuite(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) world{
		"cos":       func(t *testing.T) world { return open(t, coslocal.Options{}, objects.Options{}) },
		"cloudbase": func(t *testing.T) world { return openCloud(t).world },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objectstest.Run(t, func(t *testing.T) objectstest.Backend {
				t.Helper()
				w := open(t)
				return objectstest.Backend{Objects: w.store, Bucket: bucket, Seed: w.seed}
			})
		})
	}
}

func (w world) seed(t *testing.T, key string, body []byte, contentType string, public bool) {
	t.Helper()
	acl := coslocal.ACLDefault
	if public {
		acl = coslocal.ACLPublicRead
	}
	sdkPut(t, w.url, key, body, contentType, acl)
}

func (w world) put(t *testing.T, key string, body []byte) {
	t.Helper()
	_, err := w.store.Put(t.Context(), bucket, key, body, pipeline.PutOptions{ContentType: "image/jpeg"})
	require.NoError(t, err)
}

func (w world) get(ctx context.Context, key string) ([]byte, error) {
	_, body, err := w.store.Get(ctx, bucket, key, pipeline.ReadOptions{})
	if err != nil {
		return nil, err
	}
	defer body.Close() //nolint:errcheck // only read
	var b bytes.Buffer
	_, err = b.ReadFrom(body)
	return b.Bytes(), err
}
