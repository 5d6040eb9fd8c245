package tempurl_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/tempurl"
)

// visibilities answer what they were told, or that a file is missing.
type visibilities struct {
	mu    sync.Mutex
	of    map[string]pipeline.Visibility
	err   error
	asked int
}

func (v *visibilities) ask(_ context.Context, id string) (pipeline.Visibility, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked++
	if v.err != nil {
		return "", v.err
	}
	if got, ok := v.of[id]; ok {
		return got, nil
	}
	return "", pipeline.Errorf(pipeline.Missing, "x", id, "404")
}

func (v *visibilities) set(id string, to pipeline.Visibility) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.of[id] = to
}

// kept is a cache with a keeper and a clock that moves both.
type kept struct {
	*tempurl.Cache
	t      *testing.T
	server *miniredis.Miniredis
	clock  *clock
	rule   *visibilities
	keeper *tempurl.Keeper
}

func newKept(t *testing.T, opt tempurl.CacheOptions) *kept {
	t.Helper()
	k := &kept{t: t, rule: &visibilities{of: map[string]pipeline.Visibility{}}}
	k.Cache, k.server, k.clock = newCache(t, opt)
	var err error
	k.keeper, err = tempurl.NewKeeper(tempurl.KeeperOptions{Cache: k.Cache, Visible: k.rule.ask})
	require.NoError(t, err)
	return k
}

func (k *kept) keep(ids ...string) {
	k.t.Helper()
	for _, id := range ids {
		k.rule.set(id, pipeline.Public)
		require.NoError(k.t, k.Set(k.t.Context(), pipeline.TempURL{FileID: id, URL: "https://u/" + id}))
	}
}

// pass lets time pass, minute by minute, with a round of the keeper in each.
func (k *kept) pass(d time.Duration, rounds bool) {
	k.t.Helper()
	for range d / time.Minute {
		k.clock.now = k.clock.now.Add(time.Minute)
		k.server.FastForward(time.Minute)
		if rounds {
			_ = k.keeper.Round(k.t.Context())
		}
	}
}

func (k *kept) cached() []string {
	k.t.Helper()
	found, err := k.Get(k.t.Context(), "a", "b", "c")
	require.NoError(k.t, err)
	return slices.Sorted(maps.Keys(found))
}

// TestFlipToPrivate: with a keeper, with one that cannot ask, and without one, no cached
// URL is older than five minutes after its file turned private.
func TestFlipToPrivate(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"keeper", "keeper that cannot ask", "no keeper", "removed"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at := range 12 {
				k := newKept(t, tempurl.CacheOptions{})
				k.keep("a", "b")
				k.pass(time.Duration(at)*time.Minute, name != "no keeper")
				if name != "no keeper" || at < 5 {
					require.Equal(t, []string{"a", "b"}, k.cached(), "minute %d", at)
				}
				k.rule.set("a", pipeline.Private)
				if name == "removed" {
					delete(k.rule.of, "a")
				}
				if name == "keeper that cannot ask" {
					k.rule.err = errors.New("no answer")
				}
				k.pass(5*time.Minute, name != "no keeper")
				require.NotContains(t, k.cached(), "a", "minute %d", at)
				if name == "keeper" || name == "removed" {
					require.Equal(t, []string{"b"}, k.cached(), "minute %d", at)
				}
			}
		})
	}
}

// TestKeeperKeeps: a URL stays for its time while its file is public, not longer, and
// nothing is left of it.
func TestKeeperKeeps(t *testing.T) {
	t.Parallel()
	k := newKept(t, tempurl.CacheOptions{})
	k.keep("a")
	require.NoError(t, k.Set(t.Context(), pipeline.TempURL{FileID: "b", URL: "https://u/b", Expires: k.clock.now.Add(time.Hour)}))
	k.rule.set("b", pipeline.Public)
	k.pass(54*time.Minute, true)
	require.Equal(t, []string{"a", "b"}, k.cached())
	k.pass(2*time.Minute, true)
	require.Equal(t, []string{"a"}, k.cached())
	k.pass(63*time.Minute, true)
	require.Equal(t, []string{"a"}, k.cached())
	k.pass(2*time.Minute, true)
	require.Empty(t, k.cached())
	k.pass(5*time.Minute, true)
	require.Empty(t, k.server.Keys())
	require.Less(t, k.rule.asked, 65, "about once in three minutes for each")
}

// TestKeeperMany: more than a page, some of which cannot be asked about, end in one round.
func TestKeeperMany(t *testing.T) {
	t.Parallel()
	k := newKept(t, tempurl.CacheOptions{})
	for i := range 1301 {
		k.keep(fmt.Sprintf("f%04d", i))
	}
	k.rule.err = pipeline.Errorf(pipeline.Transient, "x", "", "no answer")
	k.clock.now = k.clock.now.Add(3 * time.Minute)
	k.server.FastForward(3 * time.Minute)
	require.ErrorContains(t, k.keeper.Round(t.Context()), "no answer")
	require.Equal(t, 1301, k.rule.asked)
	k.rule.err = nil
	require.NoError(t, k.keeper.Round(t.Context()))
	require.NoError(t, k.keeper.Round(t.Context()))
	require.Equal(t, 2602, k.rule.asked)
	require.Equal(t, 5*time.Minute, k.server.TTL(tempurl.Key("f1300")))
}

// TestKeeperDoesNotBringBack: what was purged while the keeper asked stays purged.
func TestKeeperDoesNotBringBack(t *testing.T) {
	t.Parallel()
	k := newKept(t, tempurl.CacheOptions{})
	k.keep("a")
	purging, err := tempurl.NewKeeper(tempurl.KeeperOptions{
		Cache: k.Cache,
		Visible: func(ctx context.Context, id string) (pipeline.Visibility, error) {
			return pipeline.Public, k.Delete(ctx, id)
		},
	})
	require.NoError(t, err)
	k.pass(4*time.Minute, false)
	require.NoError(t, purging.Round(t.Context()))
	require.Empty(t, k.server.Keys())
}

func TestKeeperLoopEnds(t *testing.T) {
	t.Parallel()
	k := newKept(t, tempurl.CacheOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	k.keeper.Loop(ctx)
	_, err := tempurl.NewKeeper(tempurl.KeeperOptions{})
	require.ErrorContains(t, err, "needs")
	k.server.Close()
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(k.keeper.Round(t.Context())))
}
