package tempurl

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// find asks the storage about objects, each of them once at a time however many callers
// there are, and caches the URLs of public files. It does not wait. The work goes on when
// the caller hangs up, because others may wait for it.
func (s *Service) find(ctx context.Context, objects []object, known map[string]pipeline.Upload) map[string]*flight {
	all, mine := s.flights.join(objects)
	if len(mine) > 0 {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opt.Timeout)
		s.behind.Go(func() {
			defer cancel()
			s.fly(ctx, mine, known)
		})
	}
	return all
}

// refresh finds new URLs for those that will go soon, behind the answer.
func (s *Service) refresh(ctx context.Context, objects []object) {
	if len(objects) == 0 {
		return
	}
	known, err := s.known(ctx, objects)
	if err != nil {
		s.opt.Logger.WarnContext(ctx, "cannot refresh cached URLs", "error", err)
		return
	}
	s.find(ctx, objects, known)
}

func (s *Service) fly(ctx context.Context, objects []object, known map[string]pipeline.Upload) {
	checked := s.opt.Now()
	findings := make([]finding, len(objects))
	defer func() {
		for i, o := range objects {
			if pipeline.ClassOf(findings[i].err) == pipeline.Missing && s.opt.MissTTL > 0 {
				s.misses.add(o.fileID, checked.Add(s.opt.MissTTL))
			}
			s.flights.land(o, findings[i])
		}
	}()
	var wg sync.WaitGroup
	for i, o := range objects {
		select {
		case s.slots <- struct{}{}:
		case <-ctx.Done(): // its turn never came
			findings[i].err = &pipeline.Error{Class: pipeline.Transient, Op: "tempurl.find", Key: o.fileID, Err: ctx.Err()}
			continue
		}
		wg.Go(func() {
			defer func() { <-s.slots }()
			u, recorded := known[o.recorded]
			findings[i] = s.look(ctx, o, recorded && u.Accepted())
		})
	}
	wg.Wait()
	s.resolve(ctx, objects, findings)
	if s.opt.Cache != nil {
		s.keep(ctx, checked, objects, findings, known)
	}
}

// look asks whether an object is there and public. Content that was not accepted, or not
// yet, is private to us wherever it lies.
func (s *Service) look(ctx context.Context, o object, accepted bool) finding {
	if s.opt.Known != nil && !accepted {
		return finding{visibility: pipeline.Private, err: s.opt.Exists(ctx, o.bucket, o.key)}
	}
	v, err := s.opt.Visible(ctx, o.bucket, o.key)
	if err == nil && (!accepted || o.thumbnail) { // a rule may know without having looked
		err = s.opt.Exists(ctx, o.bucket, o.key)
	}
	return finding{visibility: v, err: err}
}

// resolve finds the URLs of what turned out to be public.
func (s *Service) resolve(ctx context.Context, objects []object, findings []finding) {
	places := make(map[string][]int)
	for i, f := range findings {
		if f.err == nil && f.visibility == pipeline.Public {
			places[objects[i].bucket] = append(places[objects[i].bucket], i)
		}
	}
	for bucket, all := range places {
		for part := range slices.Chunk(all, MaxBatch) {
			keys := make([]string, len(part))
			for n, i := range part {
				keys[n] = objects[i].key
			}
			urls, err := s.opt.Source.PublicURLs(ctx, bucket, keys)
			if err == nil && len(urls) != len(keys) {
				err = pipeline.Errorf(pipeline.Transient, "tempurl.find", bucket, "%d answers for %d objects", len(urls), len(keys))
			}
			for n, i := range part {
				if findings[i].err = err; err == nil {
					findings[i].url, findings[i].err = urls[n], urls[n].Err
				}
			}
			if err != nil {
				s.opt.Logger.WarnContext(ctx, "no URLs of public files", "bucket", bucket, "files", len(part), "error", err)
			}
		}
	}
}

// keep caches the URLs of public files. The record is read once more afterwards: content
// that was rejected meanwhile loses its URL again.
func (s *Service) keep(ctx context.Context, checked time.Time, objects []object, findings []finding, known map[string]pipeline.Upload) {
	var kept []object
	var urls []pipeline.TempURL
	for i, o := range objects {
		f := findings[i]
		if f.err == nil && f.visibility == pipeline.Public && !o.thumbnail {
			kept = append(kept, o)
			urls = append(urls, pipeline.TempURL{FileID: s.cacheName(o, known), URL: f.url.URL, Expires: f.url.Expires})
		}
	}
	if len(kept) == 0 {
		return
	}
	if err := s.opt.Cache.SetAll(ctx, checked, urls); err != nil {
		s.opt.Logger.WarnContext(ctx, "URLs were not cached", "error", err)
	}
	if s.opt.Known == nil {
		return
	}
	again, err := s.known(ctx, kept)
	var gone []string
	for i, o := range kept {
		u := again[o.recorded]
		if err != nil || !u.Accepted() || u.Content.Visibility == pipeline.Private {
			gone = append(gone, urls[i].FileID)
		}
	}
	if len(gone) == 0 {
		return
	}
	if err := s.opt.Cache.Delete(ctx, gone...); err != nil {
		s.opt.Logger.WarnContext(ctx, "URLs of files that changed stay cached for some minutes", "error", err)
	}
}

// cacheName is the fileID under which the rest of the line knows the file.
func (s *Service) cacheName(o object, known map[string]pipeline.Upload) string {
	if u, ok := known[o.recorded]; ok && u.FileID != "" {
		return u.FileID
	}
	return o.fileID
}
