package pipeline

import (
	"context"
	"time"
)

// WarmBatch is how many objects one call of the URL service may name
// (storage.batchGetDownloadUrl: at most 50).
const WarmBatch = 50

// WarmResult is what a warm step leaves behind.
type WarmResult struct {
	// Expires is when the cached URL stops working; zero for one that does not expire.
	Expires time.Time `json:"expires,omitzero"`
}

// Warmed is the end of one warm step: a result, or an error with its class.
type Warmed struct {
	StepResult
	Err error
}

// Warm converges the URL cache for uploads of one bucket, at most WarmBatch of them,
// and answers by position. Public accepted files have a cached URL, all others none.
// After the cache is set the visibility is asked again: a file that turned private
// meanwhile loses its URL. An object that vanished since the check is an error of class
// Superseded.
func Warm(ctx context.Context, resolver URLResolver, cache URLCache, visible VisibilityRule, uploads []Upload) []Warmed {
	out := make([]Warmed, len(uploads))
	var public []int
	var keys []string
	for i, u := range uploads {
		if u.Accepted() && u.Content.Visibility == Public {
			public, keys = append(public, i), append(keys, u.Key)
			continue
		}
		out[i] = purge(ctx, cache, u, "only public files have a cached URL")
	}
	if len(public) == 0 {
		return out
	}
	urls, err := resolver.PublicURLs(ctx, uploads[public[0]].Bucket, keys)
	if err == nil && len(urls) != len(keys) {
		err = Errorf(Transient, "warm.resolve", "", "%d answers for %d objects", len(urls), len(keys))
	}
	for n, i := range public {
		switch {
		case err != nil:
			out[i].Err = wrap(Transient, "warm.resolve", uploads[i].Key, err)
		case urls[n].Err != nil:
			out[i].Err = outdated("warm.resolve", uploads[i].Key, urls[n].Err)
		default:
			out[i] = keep(ctx, cache, visible, uploads[i], urls[n])
		}
	}
	return out
}

func keep(ctx context.Context, cache URLCache, visible VisibilityRule, u Upload, r ResolvedURL) Warmed {
	if err := cache.Set(ctx, TempURL{FileID: u.FileID, URL: r.URL, Expires: r.Expires}); err != nil {
		return Warmed{Err: wrap(Transient, "warm.set", u.Key, err)}
	}
	now, err := visible(ctx, u.Bucket, u.Key)
	if err == nil && now == Public {
		return Warmed{StepResult: StepResult{State: Done, Result: WarmResult{Expires: r.Expires}}}
	}
	w := purge(ctx, cache, u, "the file turned private")
	if w.Err == nil && err != nil {
		w.Err = outdated("warm.visibility", u.Key, err)
	}
	return w
}

func purge(ctx context.Context, cache URLCache, u Upload, why string) Warmed {
	if err := cache.Delete(ctx, u.FileID); err != nil {
		return Warmed{Err: wrap(Transient, "warm.delete", u.Key, err)}
	}
	return Warmed{StepResult: StepResult{State: Skipped, Detail: why}}
}
