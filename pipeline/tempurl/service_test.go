package tempurl_test

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/tempurl"
)

// shelf is a storage, its visibility and a ledger, all told what to say.
type shelf struct {
	mu       sync.Mutex
	public   map[string]bool // of the objects that are there, by key
	uploads  map[string]pipeline.Upload
	err      error         // of every question to the storage
	gate     chan struct{} // when set, questions about visibility wait for it
	waiting  atomic.Int64  // how many began to
	life     time.Duration // of public URLs; 0: they do not expire
	asked    int
	minted   int
	batches  []int
	recorded func() // called at each question to the ledger
	clock    *clock
}

func (s *shelf) visible(_ context.Context, _, key string) (pipeline.Visibility, error) {
	if s.gate != nil {
		s.waiting.Add(1)
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	public, ok := s.public[key]
	switch {
	case s.err != nil:
		return "", s.err
	case !ok:
		return "", pipeline.Errorf(pipeline.Missing, "x", key, "404")
	case public:
		return pipeline.Public, nil
	}
	return pipeline.Private, nil
}

func (s *shelf) exists(_ context.Context, _, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if _, ok := s.public[key]; !ok && s.err == nil {
		return pipeline.Errorf(pipeline.Missing, "x", key, "404")
	}
	return s.err
}

func (s *shelf) PublicURLs(_ context.Context, bucket string, keys []string) ([]pipeline.ResolvedURL, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, len(keys))
	out := make([]pipeline.ResolvedURL, len(keys))
	for i, key := range keys {
		out[i].URL = fmt.Sprintf("https://%s/%s?n=%d", bucket, key, len(s.batches))
		if s.life != 0 {
			out[i].Expires = s.clock.now.Add(s.life)
		}
	}
	return out, nil
}

func (s *shelf) PrivateURLs(_ context.Context, bucket string, keys []string, ttl time.Duration) ([]pipeline.ResolvedURL, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, len(keys))
	out := make([]pipeline.ResolvedURL, len(keys))
	for i, key := range keys {
		s.minted++
		out[i] = pipeline.ResolvedURL{URL: fmt.Sprintf("https://%s/%s?secret=%d", bucket, key, s.minted), Expires: s.clock.now.Add(ttl)}
	}
	return out, nil
}

func (s *shelf) known(_ context.Context, ids []string) (map[string]pipeline.Upload, error) {
	if s.recorded != nil {
		s.recorded()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make(map[string]pipeline.Upload)
	for _, id := range ids {
		if u, ok := s.uploads[id]; ok {
			found[id] = u
		}
	}
	return found, nil
}

// put lays an object on the shelf and records its upload.
func (s *shelf) put(key string, v pipeline.Visibility, reason pipeline.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.public[key] = v == pipeline.Public
	s.uploads[pipeline.UploadID("b-125", key)] = pipeline.Upload{
		Bucket: "b-125", Key: key, FileID: id(key), Owner: pipeline.OwnerOf(key), CheckedAt: s.clock.now, Reason: reason,
		Content: pipeline.Content{Visibility: v},
	}
}

func id(key string) string { return "cloud://env.b-125/" + key }

type service struct {
	*tempurl.Service
	*shelf
	t      *testing.T
	server *miniredis.Miniredis
	cache  *tempurl.Cache
}

func newService(t *testing.T, change ...func(*tempurl.Options)) *service {
	t.Helper()
	cache, server, clock := newCache(t, tempurl.CacheOptions{})
	s := &service{t: t, server: server, cache: cache, shelf: &shelf{
		public: map[string]bool{}, uploads: map[string]pipeline.Upload{}, clock: clock,
	}}
	thumbs := pipeline.ThumbnailOptions{}
	opt := tempurl.Options{
		Buckets: pipeline.Buckets{{Name: "b-125", Env: "env", Aliases: []string{"old"}}}, Source: s.shelf,
		Visible: s.visible, Exists: s.exists, Cache: cache, Known: s.known, Timeout: time.Minute,
		Original: func(_, key string) string {
			rest, ok := strings.CutPrefix(key, "thumbs/small/")
			if !ok || !thumbs.Derivative(key) {
				return ""
			}
			return strings.TrimSuffix(rest, ".jpg")
		},
		Now: func() time.Time { return clock.now },
	}
	for _, c := range change {
		c(&opt)
	}
	var err error
	s.Service, err = tempurl.NewService(opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func (s *service) resolve(who tempurl.Viewer, names ...string) []tempurl.Answer {
	s.t.Helper()
	return s.Resolve(s.t.Context(), who, names)
}

var (
	backend  = tempurl.Viewer{All: true}
	oX       = tempurl.Viewer{Owner: "oX"}
	oY       = tempurl.Viewer{Owner: "oY"}
	stranger = tempurl.Viewer{}
)

// TestWhoMaySeeWhat: every kind of file for every kind of viewer; only accepted public
// files come near the cache.
func TestWhoMaySeeWhat(t *testing.T) {
	t.Parallel()
	const yes, no, none = tempurl.Success, tempurl.NotAllowed, tempurl.NotFound
	for _, tt := range []struct {
		key                         string
		backend, oX, oY, stranger   string
		secret, cached, unannounced bool
	}{
		{key: "users/oX/public.jpg", backend: yes, oX: yes, oY: yes, stranger: yes, cached: true},
		{key: "users/oX/private.jpg", backend: yes, oX: yes, oY: no, stranger: no, secret: true},
		{key: "users/oX/flipped.jpg", backend: yes, oX: yes, oY: no, stranger: no, secret: true},
		{key: "users/oX/rejected.jpg", backend: yes, oX: yes, oY: no, stranger: no, secret: true},
		{key: "users/oX/unannounced.jpg", backend: yes, oX: yes, oY: no, stranger: no, secret: true},
		{key: "users/oX/nothing.jpg", backend: none, oX: none, oY: no, stranger: no},
		{key: "users/oX/deleted.jpg", backend: none, oX: none, oY: no, stranger: no},
		{key: "nobody.jpg", backend: yes, oX: no, oY: no, stranger: no, secret: true},
		{key: "thumbs/small/users/oX/public.jpg.jpg", backend: yes, oX: yes, oY: yes, stranger: yes},
		{key: "thumbs/small/users/oX/private.jpg.jpg", backend: yes, oX: yes, oY: no, stranger: no, secret: true},
		{key: "thumbs/small/users/oX/deleted.jpg.jpg", backend: none, oX: none, oY: no, stranger: no},
	} {
		for n, who := range []tempurl.Viewer{backend, oX, oY, stranger} {
			want := []string{tt.backend, tt.oX, tt.oY, tt.stranger}[n]
			t.Run(fmt.Sprint(tt.key, n), func(t *testing.T) {
				t.Parallel()
				s := newService(t)
				s.put("users/oX/public.jpg", pipeline.Public, "")
				s.put("users/oX/private.jpg", pipeline.Private, "")
				s.put("users/oX/flipped.jpg", pipeline.Public, "")
				s.put("users/oX/rejected.jpg", pipeline.Public, pipeline.CodePolyglot)
				s.put("users/oX/deleted.jpg", pipeline.Public, "")
				delete(s.public, "users/oX/deleted.jpg")
				maps.Copy(s.public, map[string]bool{
					"users/oX/flipped.jpg": false, "users/oX/unannounced.jpg": true, "nobody.jpg": false,
					"thumbs/small/users/oX/public.jpg.jpg": true, "thumbs/small/users/oX/private.jpg.jpg": false,
				})
				got := s.resolve(who, id(tt.key))[0]
				require.Equal(t, want, got.Code)
				require.Equal(t, id(tt.key), got.FileID)
				require.NoError(t, s.Close())
				require.Equal(t, tt.cached && want == yes, s.server.Exists(tempurl.Key(id(tt.key))))
				if want != yes {
					require.Empty(t, got.URL)
					return
				}
				require.Equal(t, tt.secret, strings.Contains(got.URL, "secret="), got.URL)
				if tt.secret {
					require.Equal(t, 10*time.Minute, got.MaxAge)
					require.NotEqual(t, got.URL, s.resolve(who, id(tt.key))[0].URL, "freshly minted")
					require.Empty(t, s.server.Keys())
				}
			})
		}
	}
}

// TestNames: what cannot be meant is not there, what is asked twice is answered twice, and
// aliases mean the same file.
func TestNames(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.put("users/oX/1.jpg", pipeline.Public, "")
	names := []string{
		"", "users/oX/1.jpg", "https://x/1.jpg", "cloud://foreign.b-125/users/oX/1.jpg", "cos://other-1/1.jpg", "cloud://env.b-125//1.jpg",
		id("users/oX/1.jpg"), "cloud://old.b-9/users/oX/1.jpg", "cloud://env.b/users/oX/1.jpg", id("users/oX/1.jpg"),
	}
	for range 2 { // from the storage, from the cache
		got := s.resolve(stranger, names...)
		for i, a := range got {
			require.Equal(t, names[i], a.FileID)
			if i < 6 {
				require.Equal(t, tempurl.Answer{FileID: names[i], Code: tempurl.NotFound}, a)
				continue
			}
			require.Equal(t, tempurl.Answer{FileID: names[i], URL: "https://b-125/users/oX/1.jpg?n=1", MaxAge: 2 * time.Hour, Code: tempurl.Success}, a)
		}
		require.NoError(t, s.Close())
	}
	require.Equal(t, []string{tempurl.ChecksKey, tempurl.Key(id("users/oX/1.jpg"))}, s.server.Keys())
	require.Empty(t, s.resolve(stranger))
}

// TestBatches: any number of files, at most fifty in one call.
func TestBatches(t *testing.T) {
	t.Parallel()
	s := newService(t)
	var names []string
	for i := range 51 {
		for v, dir := range map[pipeline.Visibility]string{pipeline.Public: "a", pipeline.Private: "b"} {
			key := fmt.Sprintf("users/oX/%s%d.jpg", dir, i)
			s.put(key, v, "")
			names = append(names, id(key))
		}
	}
	for _, a := range s.resolve(oX, names...) {
		require.Equal(t, tempurl.Success, a.Code)
	}
	require.ElementsMatch(t, []int{50, 1, 50, 1}, s.batches)
}

// TestCoalescing: many who ask at once for what is not cached share their questions.
func TestCoalescing(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.put("users/oX/1.jpg", pipeline.Public, "")
	s.gate = make(chan struct{})
	const many = 20
	var asked atomic.Int32
	all := make(chan struct{})
	s.recorded = func() {
		if asked.Add(1) == many {
			close(all)
		}
	}
	var asking sync.WaitGroup
	answers := make([]tempurl.Answer, many)
	for i := range answers {
		asking.Go(func() { answers[i] = s.resolve(stranger, id("users/oX/1.jpg"))[0] })
	}
	<-all // nobody found it in the cache
	close(s.gate)
	asking.Wait()
	for _, a := range answers {
		require.Equal(t, tempurl.Success, a.Code)
	}
	// One that was slow on its way may have come after the others had landed.
	require.Less(t, len(s.batches), many/2)
}

// TestMisses: what is not there is asked for once in a while, and found when it comes.
func TestMisses(t *testing.T) {
	t.Parallel()
	s := newService(t)
	const key = "users/oX/late.jpg"
	for range 3 {
		require.Equal(t, tempurl.NotFound, s.resolve(oX, id(key))[0].Code)
	}
	require.Equal(t, 1, s.asked)
	s.put(key, pipeline.Public, "")
	s.clock.now = s.clock.now.Add(9 * time.Second)
	require.Equal(t, tempurl.NotFound, s.resolve(oX, id(key))[0].Code)
	s.clock.now = s.clock.now.Add(2 * time.Second)
	require.Equal(t, tempurl.Success, s.resolve(oX, id(key))[0].Code)
}

// TestRefreshAhead: a URL that will expire is replaced before it does, and whoever asks
// meanwhile gets the old one at once.
func TestRefreshAhead(t *testing.T) {
	t.Parallel()
	for name, life := range map[string]time.Duration{"an hour": time.Hour, "five seconds": 5 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.put("users/oX/1.jpg", pipeline.Public, "")
			s.life = life
			ask := func(want string) {
				t.Helper()
				require.Equal(t, "https://b-125/users/oX/1.jpg?n="+want, s.resolve(stranger, id("users/oX/1.jpg"))[0].URL)
				require.NoError(t, s.Close())
			}
			ask("1")
			ask("1")
			require.Len(t, s.batches, 1)
			kept := life - min(5*time.Minute, life/2)
			// Later than the margin before the end of what is kept. The keeper would have
			// kept it for so long: here the key's own time does not pass.
			s.clock.now = s.clock.now.Add(kept - min(5*time.Minute, kept/4) + time.Millisecond)
			ask("1")
			require.Len(t, s.batches, 2, "refreshed behind the answer")
			ask("2")
			require.Len(t, s.batches, 2)
		})
	}
}

// TestRejectedMeanwhile: content that is rejected while its URL is looked for does not get
// into the cache, or not for long.
func TestRejectedMeanwhile(t *testing.T) {
	t.Parallel()
	s := newService(t)
	const key = "users/oX/1.jpg"
	s.put(key, pipeline.Public, "")
	n := 0
	s.recorded = func() {
		if n++; n == 2 {
			s.put(key, pipeline.Public, pipeline.CodePolyglot)
		}
	}
	s.resolve(stranger, id(key))
	require.NoError(t, s.Close())
	require.Equal(t, 2, n)
	require.Empty(t, s.server.Keys())
}

// TestOutages: without Redis everything is answered; without the storage what is cached is,
// and the rest can be asked for again.
func TestOutages(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.put("users/oX/1.jpg", pipeline.Public, "")
	s.put("users/oX/2.jpg", pipeline.Public, "")
	s.put("users/oX/3.jpg", pipeline.Private, "")
	require.Equal(t, tempurl.Success, s.resolve(oX, id("users/oX/1.jpg"))[0].Code)
	require.NoError(t, s.Close())
	s.err = pipeline.Errorf(pipeline.Transient, "x", "", "no answer")
	codes := func() (codes []string) {
		for _, a := range s.resolve(oX, id("users/oX/1.jpg"), id("users/oX/2.jpg"), id("users/oX/3.jpg")) {
			codes = append(codes, a.Code)
		}
		return codes
	}
	require.Equal(t, []string{tempurl.Success, tempurl.Failed, tempurl.Success}, codes())
	s.err = nil
	s.server.Close()
	require.Equal(t, []string{tempurl.Success, tempurl.Success, tempurl.Success}, codes())
}

// TestWithoutLedger: a service of somebody else's, which records nothing.
func TestWithoutLedger(t *testing.T) {
	t.Parallel()
	s := newService(t, func(o *tempurl.Options) { o.Known, o.Original = nil, nil })
	s.public["users/oX/1.jpg"], s.public["users/oX/2.jpg"] = true, false
	got := s.resolve(oY, id("users/oX/1.jpg"), id("users/oX/2.jpg"))
	require.Equal(t, tempurl.Success, got[0].Code)
	require.Equal(t, tempurl.NotAllowed, got[1].Code)
	require.NoError(t, s.Close())
	require.True(t, s.server.Exists(tempurl.Key(id("users/oX/1.jpg"))))
}

func TestHangingStorage(t *testing.T) {
	t.Parallel()
	s := newService(t, func(o *tempurl.Options) { o.Timeout = 20 * time.Millisecond })
	s.put("users/oX/1.jpg", pipeline.Public, "")
	s.gate = make(chan struct{})
	require.Equal(t, tempurl.Failed, s.resolve(oX, id("users/oX/1.jpg"))[0].Code)
	close(s.gate)
}

func TestServiceOptions(t *testing.T) {
	t.Parallel()
	_, err := tempurl.NewService(tempurl.Options{})
	require.ErrorContains(t, err, "needs Buckets")
}

// TestManyWait: files that wait for their turn are no goroutines each, so that a storage
// that stands still costs little memory. It is not parallel: it counts.
func TestManyWait(t *testing.T) {
	s := newService(t)
	s.gate = make(chan struct{})
	free := sync.OnceFunc(func() { close(s.gate) })
	defer free()
	names := make([]string, 500)
	for n := range names {
		key := fmt.Sprintf("users/oX/%d.jpg", n)
		s.put(key, pipeline.Public, "")
		names[n] = id(key)
	}
	before := runtime.NumGoroutine()
	answers := make(chan []tempurl.Answer)
	const callers = 10
	for n := range callers {
		go func() { answers <- s.resolve(backend, names[n*50:n*50+50]...) }()
	}
	require.Eventually(t, func() bool { return s.waiting.Load() == 16 }, time.Minute, time.Millisecond)
	require.Less(t, runtime.NumGoroutine()-before, 150)
	free()
	for range callers {
		for _, a := range <-answers {
			require.Equal(t, tempurl.Success, a.Code)
		}
	}
}
