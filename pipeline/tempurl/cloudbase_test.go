package tempurl_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/cloudbase"
	"github.com/afterput/afterput/pipeline/cloudbase/cloudbasetest"
	"github.com/afterput/afterput/pipeline/tempurl"
)

var cloudBucket = pipeline.Bucket{Name: "b-125", Env: cloudbasetest.Env}

func cloudID(key string) string { return cloudBucket.FileID(key).String() }

// newCloudService is a service over a gateway, by the clock of the machine.
func newCloudService(t *testing.T) (*service, *cloudbasetest.Gateway) {
	t.Helper()
	g := cloudbasetest.New(t)
	client, err := cloudbase.New(cloudbase.Options{
		Env: cloudbasetest.Env, Endpoint: g.URL, SecretID: cloudbasetest.SecretID, SecretKey: cloudbasetest.SecretKey,
	})
	require.NoError(t, err)
	s := newService(t, func(o *tempurl.Options) {
		o.Buckets = pipeline.Buckets{cloudBucket}
		o.Source = &tempurl.Sources{ByBucket: map[string]tempurl.Source{"b-125": tempurl.NewCloudBase(client, cloudBucket, o.Now)}}
	})
	s.clock.now = time.Now()
	return s, g
}

func (s *service) lay(g *cloudbasetest.Gateway, key string, v pipeline.Visibility, f cloudbasetest.File) {
	s.put(key, v, "")
	u := s.uploads[pipeline.UploadID("b-125", key)]
	u.FileID = cloudID(key)
	s.uploads[pipeline.UploadID("b-125", key)] = u
	g.Put(cloudID(key), f)
}

// TestCloudBase: 51 files of each kind in batches of fifty, some of which fail; private
// ones never come near the cache, whatever the clocks say.
func TestCloudBase(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{0, -time.Hour, time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			t.Parallel()
			s, g := newCloudService(t)
			g.Skew(skew)
			var names, want []string
			for i := range 51 {
				public, private := fmt.Sprintf("users/oX/a%02d.jpg", i), fmt.Sprintf("users/oX/b%02d.jpg", i)
				s.lay(g, public, pipeline.Public, cloudbasetest.File{})
				f, code := cloudbasetest.File{Private: true}, tempurl.Success
				switch i {
				case 7:
					f.Code, code = "OBJECT_NOT_EXIST", tempurl.NotFound
				case 8:
					f.Code, code = "STORAGE_EXCEED_AUTHORITY", tempurl.NotAllowed
				case 50:
					f.Code, code = "COS_ACTION_FAILED", tempurl.Failed
				}
				s.lay(g, private, pipeline.Private, f)
				names, want = append(names, cloudID(public), cloudID(private)), append(want, tempurl.Success, code)
			}
			for round := range 2 {
				for i, a := range s.resolve(oX, names...) {
					require.Equal(t, want[i], a.Code, a.FileID)
					if a.Code == tempurl.Success && i%2 == 1 {
						require.InDelta(t, 600, a.MaxAge.Seconds(), 120, "by the gateway's clock")
					}
				}
				require.NoError(t, s.Close())
				require.Len(t, g.Batches(), 4+2*round, "public ones are cached, private ones are not")
			}
			require.ElementsMatch(t, []int{50, 1, 50, 1, 50, 1}, g.Batches())
			require.Len(t, s.server.Keys(), 51+1)
			require.Equal(t, 1, g.Tokens())
		})
	}
}

// TestCloudBaseFiveSeconds: a public file whose URL is signed for five seconds is not kept
// for longer than that, and one that is over already is not kept at all.
func TestCloudBaseFiveSeconds(t *testing.T) {
	t.Parallel()
	for life, kept := range map[time.Duration]bool{5 * time.Second: true, -time.Minute: false} {
		s, g := newCloudService(t)
		g.Life(life)
		s.lay(g, "users/oX/1.jpg", pipeline.Public, cloudbasetest.File{Private: true})
		s.clock.now = time.Now()
		got := s.resolve(stranger, cloudID("users/oX/1.jpg"))[0]
		require.Equal(t, tempurl.Success, got.Code)
		require.NoError(t, s.Close())
		require.LessOrEqual(t, got.MaxAge, max(0, life)+2*time.Second)
		require.LessOrEqual(t, s.server.TTL(tempurl.Key(cloudID("users/oX/1.jpg"))), 4*time.Second)
		if !kept {
			require.Empty(t, s.server.Keys())
			require.Zero(t, got.MaxAge)
		}
	}
}
