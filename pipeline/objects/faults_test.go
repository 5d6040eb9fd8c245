package objects_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/objects"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
)

func TestRefusalsByClass(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status int
		code   string
		want   pipeline.Class
	}{
		{503, "SlowDown", pipeline.Throttled},
		{429, "TooManyRequests", pipeline.Throttled},
		{503, "ServiceUnavailable", pipeline.Transient},
		{500, "InternalError", pipeline.Transient},
		{502, "", pipeline.Transient},
		{400, "RequestTimeout", pipeline.Transient},
		{403, "RequestTimeTooSkewed", pipeline.Transient},
		{403, "AccessDenied", pipeline.Denied},
		{403, "InvalidAccessKeyId", pipeline.Denied},
		{301, "PermanentRedirect", pipeline.Denied},
		{404, "NoSuchBucket", pipeline.Missing},
		{409, "PathConflict", pipeline.Transient},
		{412, "PreconditionFailed", pipeline.Superseded},
		{400, "BadDigest", pipeline.Transient},
		{400, "InvalidArgument", pipeline.Invalid},
	}
	for _, tt := range tests {
		t.Run(tt.code, func(t *testing.T) {
			t.Parallel()
			w := open(t, coslocal.Options{}, objects.Options{})
			require.NoError(t, w.server.Faults().Set(coslocal.Fault{
				Kind: coslocal.Refuse, Status: tt.status, Code: tt.code, RetryAfter: 1500 * time.Millisecond,
			}))
			ctx := t.Context()
			_, _, err := w.store.Get(ctx, bucket, "k", pipeline.ReadOptions{Length: 10})
			_, err2 := w.store.Put(ctx, bucket, "k", []byte("x"), pipeline.PutOptions{})
			_, err3 := w.store.List(ctx, bucket, "", "", 0)
			all := []error{err, err2, err3}
			if tt.status != 404 {
				all = append(all, w.store.Delete(ctx, bucket, "k"))
			}
			for _, err := range all {
				require.Equal(t, tt.want, pipeline.ClassOf(err), "%v", err)
				require.Equal(t, 2*time.Second, pipeline.RetryAfterOf(err))
				var cause *objects.StatusError
				require.ErrorAs(t, err, &cause)
				require.Equal(t, tt.status, cause.Status)
				require.Equal(t, tt.code, cause.Code)
				require.NotEmpty(t, cause.RequestID)
				require.NotContains(t, err.Error(), "q-")
				require.NotContains(t, err.Error(), secretKey)
			}
			require.Equal(t, len(all), w.server.Faults().Fired("refuse"), "one attempt each")
		})
	}
}

// A HEAD has no body to say RequestTimeout in: a 400 must not end in a letter at once.
func TestHeadTimeoutHasNoBody(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{}, objects.Options{})
	require.NoError(t, w.server.Faults().Set(coslocal.Fault{Kind: coslocal.Refuse, Status: 400, Code: "RequestTimeout"}))
	_, err := w.store.Head(t.Context(), bucket, "k")
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
	_, err = w.store.Public(t.Context(), bucket, "k")
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
}

func TestHeadSlowDownHasNoBody(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{}, objects.Options{})
	require.NoError(t, w.server.Faults().Set(coslocal.Fault{Kind: coslocal.Refuse}))
	_, err := w.store.Head(t.Context(), bucket, "k")
	require.Equal(t, pipeline.Throttled, pipeline.ClassOf(err))
	_, err = w.store.Public(t.Context(), bucket, "k")
	require.Equal(t, pipeline.Throttled, pipeline.ClassOf(err))
}

func TestClockSkew(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{}, objects.Options{})
	w.put(t, "k", []byte("x"))
	require.NoError(t, w.server.Faults().Set(coslocal.Fault{Kind: coslocal.Skew, Delay: -30 * time.Second}))
	_, err := w.get(t.Context(), "k")
	require.NoError(t, err, "half a minute is allowed for")
	require.NoError(t, w.server.Faults().Set(coslocal.Fault{Kind: coslocal.Skew, Delay: -10 * time.Minute}))
	_, err = w.get(t.Context(), "k")
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
	require.ErrorContains(t, err, "NTP")
}

// TestBrokenBodies: whatever happens to a body, Read fails with class Transient.
func TestBrokenBodies(t *testing.T) {
	t.Parallel()
	for _, f := range []coslocal.Fault{
		{Kind: coslocal.Truncate},
		{Kind: coslocal.Stall},
		{Kind: coslocal.Drip, Delay: 20 * time.Millisecond},
		{Kind: coslocal.FlipBit},
		{Kind: coslocal.WrongCRC},
	} {
		t.Run(string(f.Kind), func(t *testing.T) {
			t.Parallel()
			w := open(t, coslocal.Options{}, objects.Options{IdleTimeout: 150 * time.Millisecond})
			w.put(t, "k", []byte(strings.Repeat("0123456789", 20_000)))
			require.NoError(t, w.server.Faults().Set(f))
			_, err := w.get(t.Context(), "k")
			var e *pipeline.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, pipeline.Transient, e.Class)
			require.Equal(t, "k", e.Key)
			require.Equal(t, 1, w.server.Faults().Fired(string(f.Kind)))
			w.server.Faults().Reset()
			w.store = storeAt(t, w.url) // with a patience that a busy machine does not use up
			_, err = w.get(t.Context(), "k")
			require.NoError(t, err)
		})
	}
}

func TestWrongCRCOfPut(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{}, objects.Options{})
	require.NoError(t, w.server.Faults().Set(coslocal.Fault{Kind: coslocal.WrongCRC, Methods: []string{"PUT"}, Times: 1}))
	_, err := w.store.Put(t.Context(), bucket, "k", []byte("x"), pipeline.PutOptions{})
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
	require.Equal(t, 1, w.server.Faults().Fired("wrong-crc"))
	w.put(t, "k", []byte("x"))
	require.Equal(t, 2, w.server.Writes("k"))
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	t.Run("of the caller", func(t *testing.T) {
		t.Parallel()
		w := open(t, coslocal.Options{}, objects.Options{})
		require.NoError(t, w.server.Faults().Set(coslocal.Fault{Kind: coslocal.Latency, Delay: time.Minute}))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := w.get(ctx, "k")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
	})
	t.Run("of the request", func(t *testing.T) {
		t.Parallel()
		w := open(t, coslocal.Options{}, objects.Options{RequestTimeout: 50 * time.Millisecond})
		require.NoError(t, w.server.Faults().Set(coslocal.Fault{Kind: coslocal.Latency, Delay: time.Minute}))
		_, err := w.store.Put(t.Context(), bucket, "k", []byte("x"), pipeline.PutOptions{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
	})
	t.Run("of the header", func(t *testing.T) {
		t.Parallel()
		w := open(t, coslocal.Options{}, objects.Options{HeaderTimeout: 50 * time.Millisecond})
		require.NoError(t, w.server.Faults().Set(coslocal.Fault{Kind: coslocal.Latency, Delay: time.Minute}))
		_, err := w.get(t.Context(), "k")
		require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
		require.ErrorContains(t, err, "no answer in time")
	})
}

func TestNetworkErrorNamesNoURL(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	s := storeAt(t, gone.URL)
	_, err := s.List(t.Context(), bucket, "secret-prefix", "", 0)
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
	require.NotContains(t, err.Error(), "http://")
	require.NotContains(t, err.Error(), "max-keys")
}

// TestOddAnswers: a server that is not COS, or a proxy before it, loses nothing.
func TestOddAnswers(t *testing.T) {
	t.Parallel()
	read := func(s *objects.Store, opt pipeline.ReadOptions) error {
		_, body, err := s.Get(t.Context(), bucket, "k", opt)
		if err != nil {
			return err
		}
		_, err = io.ReadAll(body)
		return errors.Join(err, body.Close())
	}
	list := func(s *objects.Store) error { _, err := s.List(t.Context(), bucket, "", "", 0); return err }
	part := pipeline.ReadOptions{Offset: 2, Length: 3}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		call    func(*objects.Store) error
		want    pipeline.Class
	}{
		{"range ignored", text(200, "0123456789"), func(s *objects.Store) error { return read(s, part) }, pipeline.Transient},
		{"range ignored at the start", text(200, "0123456789"), func(s *objects.Store) error { return read(s, pipeline.ReadOptions{Length: 3}) }, ""},
		{"range without Content-Range", text(206, "234"), func(s *objects.Store) error { return read(s, part) }, pipeline.Transient},
		{"no length", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
		}, func(s *objects.Store) error { return read(s, pipeline.ReadOptions{}) }, pipeline.Transient},
		{"empty listing page", text(200, ""), list, pipeline.Transient},
		{"HTML for a listing", text(200, "<html></html>"), list, pipeline.Transient},
		{"endless error body", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, list, pipeline.Denied},
		{
			"HEAD without length", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Transfer-Encoding", "chunked") },
			func(s *objects.Store) error { _, err := s.Head(t.Context(), bucket, "k"); return err }, pipeline.Transient,
		},
		{"PUT without checksum", text(200, ""), func(s *objects.Store) error {
			_, err := s.Put(t.Context(), bucket, "k", []byte("x"), pipeline.PutOptions{})
			return err
		}, pipeline.Transient},
		{"public redirect", text(302, ""), func(s *objects.Store) error {
			_, err := s.Public(t.Context(), bucket, "k")
			return err
		}, pipeline.Denied},
		{"message that quotes the key", text(403, "<Error><Code>AccessDenied</Code><Message>"+secretKey+"</Message></Error>"), func(s *objects.Store) error {
			err := list(s)
			if err != nil && strings.Contains(err.Error(), secretKey) {
				return nil
			}
			return err
		}, pipeline.Denied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			web := httptest.NewServer(tt.handler)
			t.Cleanup(web.Close)
			require.Equal(t, tt.want, pipeline.ClassOf(tt.call(storeAt(t, web.URL))))
		})
	}
}

func text(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func storeAt(t *testing.T, url string) *objects.Store {
	t.Helper()
	s, err := objects.New(objects.Options{Buckets: []objects.BucketOptions{
		{Name: bucket, Endpoint: url, SecretID: secretID, SecretKey: secretKey},
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}
