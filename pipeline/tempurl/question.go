package tempurl

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// object is one file that is asked for.
type object struct {
	fileID      string // in the form of its bucket
	bucket, key string
	recorded    string // the upload that says of it: its own, or that of the original
	thumbnail   bool
}

// question is one call of Resolve.
type question struct {
	s       *Service
	who     Viewer
	answers map[string]Answer   // by the name that was asked for
	asked   map[string][]string // names by fileID
	open    []object
	private []object
}

// take reads one name. What cannot be meant here is not there.
func (q *question) take(name string) {
	id, err := pipeline.ParseFileID(name)
	var b pipeline.Bucket
	var key string
	if err == nil {
		b, key, err = q.s.opt.Buckets.Locate(id)
	}
	if err != nil {
		q.answers[name] = Answer{Code: NotFound}
		return
	}
	o := object{fileID: b.FileID(key).String(), bucket: b.Name, key: key, recorded: pipeline.UploadID(b.Name, key)}
	if q.s.opt.Original != nil {
		if original := q.s.opt.Original(b.Name, key); original != "" {
			o.thumbnail, o.recorded = true, pipeline.UploadID(b.Name, original)
		}
	}
	if _, twice := q.asked[o.fileID]; !twice {
		q.open = append(q.open, o)
	}
	if !slices.Contains(q.asked[o.fileID], name) {
		q.asked[o.fileID] = append(q.asked[o.fileID], name)
	}
}

func (q *question) answer(o object, a Answer) {
	for _, name := range q.asked[o.fileID] {
		q.answers[name] = a
	}
}

func (q *question) success(o object, url string, expires time.Time) {
	age := q.s.opt.PublicTTL
	if !expires.IsZero() {
		age = max(0, expires.Sub(q.s.opt.Now()))
	}
	q.answer(o, Answer{URL: url, MaxAge: age, Code: Success})
}

// cached answers what the cache has. A cache that is away is as an empty one.
func (q *question) cached(ctx context.Context) {
	s := q.s
	if s.opt.Cache == nil || len(q.open) == 0 {
		return
	}
	var names []string
	for _, o := range q.open {
		names = append(append(names, o.fileID), q.asked[o.fileID]...)
	}
	slices.Sort(names)
	entries, err := s.opt.Cache.Entries(ctx, slices.Compact(names)...)
	if err != nil {
		s.opt.Logger.WarnContext(ctx, "no cached URLs", "error", err)
		s.observe(ctx, 0, len(q.open))
		return
	}
	now := s.opt.Now()
	var rest, aging []object
	for _, o := range q.open {
		found := false
		for _, name := range append([]string{o.fileID}, q.asked[o.fileID]...) {
			e, ok := entries[name]
			if !ok {
				continue
			}
			q.success(o, e.URL, e.Expires)
			if found = true; e.aging(now, s.opt.Cache.opt.Margin) {
				aging = append(aging, o)
			}
			break
		}
		if !found {
			rest = append(rest, o)
		}
	}
	s.observe(ctx, len(q.open)-len(rest), len(rest))
	q.open = rest
	s.refresh(ctx, aging)
}

func (s *Service) observe(ctx context.Context, hits, misses int) {
	if s.opt.Observe != nil {
		s.opt.Observe(ctx, hits, misses)
	}
}

// ask finds out about what is not cached: from the ledger, and from the storage where
// that is not enough.
func (q *question) ask(ctx context.Context) {
	if len(q.open) == 0 {
		return
	}
	known, err := q.s.known(ctx, q.open)
	if err != nil {
		q.s.opt.Logger.WarnContext(ctx, "no temp URLs: the ledger does not answer", "error", err)
		return
	}
	var ask []object
	for _, o := range q.open {
		u, recorded := known[o.recorded]
		may := q.may(o, u)
		public := recorded && u.Accepted() && u.Content.Visibility == pipeline.Public
		switch {
		// An end user's word alone makes us ask the storage for nothing but the user's own.
		case !may && !public && q.s.opt.Known != nil:
			q.answer(o, Answer{Code: NotAllowed})
		case may && recorded && !o.thumbnail && u.Accepted() && u.Content.Visibility == pipeline.Private:
			q.private = append(q.private, o)
		case q.s.misses.has(o.fileID, q.s.opt.Now()):
			q.refuse(o, may)
		default:
			ask = append(ask, o)
		}
	}
	all := q.s.find(ctx, ask, known)
	for _, o := range ask {
		may := q.may(o, known[o.recorded])
		found := all[o.fileID].wait(ctx)
		switch {
		case pipeline.ClassOf(found.err) == pipeline.Missing:
			q.refuse(o, may)
		case found.err != nil:
			q.answer(o, Answer{Code: Failed})
		case found.visibility == pipeline.Public:
			q.success(o, found.url.URL, found.url.Expires)
		case may:
			q.private = append(q.private, o)
		default:
			q.answer(o, Answer{Code: NotAllowed})
		}
	}
}

// refuse answers for a file that is not there. Who may not see it learns nothing of it.
func (q *question) refuse(o object, may bool) {
	if may {
		q.answer(o, Answer{Code: NotFound})
		return
	}
	q.answer(o, Answer{Code: NotAllowed})
}

// may tells whether the viewer may see the object though it is private.
func (q *question) may(o object, u pipeline.Upload) bool {
	key := o.key
	if o.thumbnail {
		key = q.s.opt.Original(o.bucket, o.key)
	}
	owner := cmp.Or(u.Owner, pipeline.OwnerOf(key))
	return q.who.All || (owner != "" && owner == q.who.Owner)
}

// mint makes the URLs of private files, fresh for this one question.
func (q *question) mint(ctx context.Context) {
	for bucket, objects := range byBucket(q.private) {
		for part := range slices.Chunk(objects, MaxBatch) {
			urls, err := q.s.opt.Source.PrivateURLs(ctx, bucket, keysOf(part), q.s.opt.PrivateTTL)
			if err != nil || len(urls) != len(part) {
				q.s.opt.Logger.WarnContext(ctx, "no URLs of private files", "bucket", bucket, "files", len(part), "error", err)
				continue
			}
			for i, o := range part {
				switch class := pipeline.ClassOf(urls[i].Err); class {
				case "":
					q.success(o, urls[i].URL, urls[i].Expires)
				case pipeline.Missing:
					q.answer(o, Answer{Code: NotFound})
				case pipeline.Denied:
					q.answer(o, Answer{Code: NotAllowed})
				default:
					q.answer(o, Answer{Code: Failed})
				}
			}
		}
	}
}

func byBucket(objects []object) map[string][]object {
	groups := make(map[string][]object)
	for _, o := range objects {
		groups[o.bucket] = append(groups[o.bucket], o)
	}
	return groups
}

func keysOf(objects []object) []string {
	keys := make([]string, len(objects))
	for i, o := range objects {
		keys[i] = o.key
	}
	return keys
}

func (s *Service) known(ctx context.Context, objects []object) (map[string]pipeline.Upload, error) {
	if s.opt.Known == nil {
		return nil, nil
	}
	ids := make(map[string]struct{}, len(objects))
	for _, o := range objects {
		ids[o.recorded] = struct{}{}
	}
	return s.opt.Known(ctx, slices.Sorted(maps.Keys(ids)))
}
