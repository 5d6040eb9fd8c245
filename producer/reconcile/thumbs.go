package reconcile

import (
	"container/heap"
	"context"
	"slices"
	"strings"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// thumbs looks for the thumbnails of images in one listing per preset.
//
// The images come in the order of their keys, but their thumbnails are named {key}.jpg,
// and "a" < "a-b" while "a-b.jpg" < "a.jpg". So names wait until no smaller one can
// come, which is when the keys have reached them. A name that waits belongs to a key
// that the key at hand begins with: never more than a key has bytes. As .png sorts in
// another place, each ending waits by itself.
type thumbs []*ending

// ending are the presets whose thumbnails end alike.
type ending struct {
	suffix  string // .jpg
	presets []preset
	waiting names
}

type preset struct {
	name    string
	dir     string // thumbs/small/
	objects *stream[Object]
}

func (r *Reconciler) thumbs(p Plan, after string) thumbs {
	if !p.wants(Thumbnails) {
		return nil
	}
	var t thumbs
	rules := r.opt.Thumbnails(p.Bucket)
	for _, format := range []pipeline.Format{pipeline.JPEG, pipeline.PNG} {
		e := &ending{suffix: format.Extension()}
		for _, ps := range rules.Presets {
			if ps.WithDefaults().Format != format {
				continue
			}
			dir := rules.Dir(ps.Name)
			start := ""
			if after != "" {
				start = dir + after
			}
			e.presets = append(e.presets, preset{name: ps.Name, dir: dir, objects: r.listing(p.Bucket, dir+p.Prefix, start, "")})
		}
		if len(e.presets) > 0 {
			t = append(t, e)
		}
	}
	return t
}

// expect remembers that an image must have its thumbnails.
func (t thumbs) expect(u ledger.KeyedUpload, step pipeline.StepRecord, exists bool) {
	for _, e := range t {
		heap.Push(&e.waiting, name{text: u.Key + e.suffix, upload: u, step: step, exists: exists})
	}
}

// idle tells that nothing waits: a good place for a checkpoint.
func (t thumbs) idle() bool {
	return !slices.ContainsFunc(t, func(e *ending) bool { return len(e.waiting) > 0 })
}

// release judges the names up to a key, or all. found gets the presets that an image
// lacks, those of each ending for themselves.
func (t thumbs) release(ctx context.Context, upTo string, all bool, found func(n name, lacks []string) error) error {
	for _, e := range t {
		if err := e.release(ctx, upTo, all, found); err != nil {
			return err
		}
	}
	return nil
}

func (e *ending) release(ctx context.Context, upTo string, all bool, found func(n name, lacks []string) error) error {
	for len(e.waiting) > 0 && (all || e.waiting[0].text <= upTo) {
		n := e.waiting[0]
		var lacks []string
		for _, p := range e.presets {
			there, err := p.holds(ctx, n.text)
			if err != nil {
				return err
			}
			if !there {
				lacks = append(lacks, p.name)
			}
		}
		if len(lacks) > 0 {
			if err := found(n, lacks); err != nil {
				return err
			}
		}
		heap.Pop(&e.waiting)
	}
	return nil
}

// holds tells whether the listing has a name. It is asked in the order of names.
func (p *preset) holds(ctx context.Context, text string) (bool, error) {
	for {
		o, ok, err := p.objects.peek(ctx)
		if err != nil || !ok {
			return false, err
		}
		if have := strings.TrimPrefix(o.Key, p.dir); have >= text {
			return have == text, nil
		}
		p.objects.next()
	}
}

// name is the name of thumbnails that wait for their turn.
type name struct {
	text   string
	upload ledger.KeyedUpload
	step   pipeline.StepRecord
	exists bool // the step
}

// names is a heap, the smallest first.
type names []name

func (n names) Len() int           { return len(n) }
func (n names) Less(i, j int) bool { return n[i].text < n[j].text }
func (n names) Swap(i, j int)      { n[i], n[j] = n[j], n[i] }

// Push is part of heap.Interface.
func (n *names) Push(x any) {
	if one, ok := x.(name); ok {
		*n = append(*n, one)
	}
}

// Pop is part of heap.Interface.
func (n *names) Pop() any {
	old := *n
	last := old[len(old)-1]
	old[len(old)-1] = name{}
	*n = old[:len(old)-1]
	return last
}
