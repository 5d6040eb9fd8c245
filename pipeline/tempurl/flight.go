package tempurl

import (
	"context"
	"sync"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// finding is what the storage said of an object. It holds for whoever asks.
type finding struct {
	visibility pipeline.Visibility
	url        pipeline.ResolvedURL // of a public object
	err        error                // of class Missing where there is no object
}

// flight is one question to the storage that several may wait for.
type flight struct {
	done  chan struct{}
	found finding
}

// flights lets each object be asked about once at a time, in batches.
type flights struct {
	mu  sync.Mutex
	now map[string]*flight
}

// join gives the flight of each object. mine are those that nobody asks about yet: the
// caller has to land them.
func (f *flights) join(objects []object) (all map[string]*flight, mine []object) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now == nil {
		f.now = make(map[string]*flight)
	}
	all = make(map[string]*flight, len(objects))
	for _, o := range objects {
		fl, flying := f.now[o.fileID]
		if !flying {
			fl = &flight{done: make(chan struct{})}
			f.now[o.fileID] = fl
			mine = append(mine, o)
		}
		all[o.fileID] = fl
	}
	return all, mine
}

func (f *flights) land(o object, found finding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl := f.now[o.fileID]; fl != nil {
		fl.found = found
		delete(f.now, o.fileID)
		close(fl.done)
	}
}

func (fl *flight) wait(ctx context.Context) finding {
	select {
	case <-fl.done:
		return fl.found
	case <-ctx.Done():
		return finding{err: &pipeline.Error{Class: pipeline.Transient, Op: "tempurl.wait", Err: ctx.Err()}}
	}
}

// maxMisses bounds the objects that are known to be missing.
const maxMisses = 10_000

// misses remembers for a while which objects are not there.
type misses struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func (m *misses) has(fileID string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.until[fileID].After(now)
}

func (m *misses) add(fileID string, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.until == nil || len(m.until) >= maxMisses {
		m.until = make(map[string]time.Time)
	}
	m.until[fileID] = until
}
