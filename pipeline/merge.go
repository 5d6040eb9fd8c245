package pipeline

import (
	"cmp"
	"math"
	"slices"
)

// Merge is what MergeOrder makes of an order.
type Merge struct {
	// Images is the array to write; never nil.
	Images []string
	// Changed says that Images differs from the array that was read. Where it is false
	// nothing needs to be written, but Links and Last still have to be kept.
	Changed bool
	// Links are the links as given, in the same order, with Attached and Written as they
	// are once Images stands in the order.
	Links []Link
	// Last is to be kept and handed in as last the next time. It is Images, except while
	// somebody else arranges our entries: then it still is the arrangement that we left,
	// so that the next merge sees the difference again and goes on leaving them alone.
	Last []string
}

// MergeOrder converges the array of one order with its links. It is pure and
// deterministic, and merging its own result again changes nothing.
//
// current is the array as it was read, last the Last of the merge before (nil if there
// was none), links all links of the order. Links that have to wait, such as those
// without a position within the grace, are left out by the caller.
//
// What the business wrote stays, in its relative order, duplicates included. What it
// removed stays removed: a link that was attached once and is not in current is not
// added again. A live link that already stands in current becomes attached, but not
// written, and does not move. A link that is not live is never added; where we wrote
// its entry, all copies of it are withdrawn and the link is as if it had never been
// attached, so that it can come back when the upload is accepted again.
//
// New entries are placed by batch (the lowest Seq in it), position (none last) and Seq.
// All links without a batch count as one batch, because positions that come with
// events name none. While nobody moved our entries they are kept in that order in the
// slots they hold; after somebody moved or repeated them they stay put. A new entry goes directly
// after its nearest predecessor, else directly before its nearest successor, else to
// the end.
func MergeOrder(current, last []string, links []Link) Merge {
	m := newMerger(current, links)
	m.withdraw()
	unmoved := m.unmoved(last)
	if unmoved {
		m.sortSlots()
	}
	for _, e := range m.fresh() {
		m.insert(e, unmoved)
	}
	out := Merge{
		Images:  m.images,
		Changed: !slices.Equal(m.images, current),
		Links:   m.settle(links),
		Last:    slices.Clone(m.images),
	}
	if !unmoved {
		out.Last = slices.Clone(last)
	}
	return out
}

// entry is all links of one fileID taken together: normally one.
type entry struct {
	fileID                  string
	key                     mergeKey
	attached, written, live bool
	withdrawn               bool
}

// ours says that the entry is one whose place we may choose, if it is present.
func (e *entry) ours() bool { return e.written && e.live }

// mergeKey is the place of a link among all links of its order.
type mergeKey struct {
	batch    int64 // lowest Seq of the batch
	position int
	seq      int64
	fileID   string // a tie-break for links whose Seq is not unique
}

func (a mergeKey) compare(b mergeKey) int {
	return cmp.Or(
		cmp.Compare(a.batch, b.batch),
		cmp.Compare(a.position, b.position),
		cmp.Compare(a.seq, b.seq),
		cmp.Compare(a.fileID, b.fileID),
	)
}

type merger struct {
	images  []string
	entries map[string]*entry
	// sorted are the entries by key.
	sorted []*entry
}

func newMerger(current []string, links []Link) *merger {
	first := make(map[string]int64)
	for _, l := range links {
		if seq, ok := first[l.Batch]; !ok || l.Seq < seq {
			first[l.Batch] = l.Seq
		}
	}
	m := &merger{
		images:  append(make([]string, 0, len(current)+len(links)), current...),
		entries: make(map[string]*entry, len(links)),
	}
	for _, l := range links {
		if l.FileID == "" {
			continue
		}
		key := mergeKey{batch: first[l.Batch], position: math.MaxInt, seq: l.Seq, fileID: l.FileID}
		if l.Position != nil {
			key.position = *l.Position
		}
		e := m.entries[l.FileID]
		if e == nil {
			e = &entry{fileID: l.FileID, key: key}
			m.entries[l.FileID] = e
			m.sorted = append(m.sorted, e)
		}
		if key.compare(e.key) < 0 {
			e.key = key
		}
		e.attached = e.attached || l.Attached
		e.written = e.written || l.Written
		e.live = e.live || l.Live
	}
	slices.SortFunc(m.sorted, func(a, b *entry) int { return a.key.compare(b.key) })
	return m
}

// withdraw takes out what we wrote and is not live any more. It takes every copy, so
// that a run that is repeated after a crash ends the same.
func (m *merger) withdraw() {
	kept := m.images[:0]
	for _, id := range m.images {
		if e := m.entries[id]; e != nil && e.written && !e.live {
			e.withdrawn = true
			continue
		}
		kept = append(kept, id)
	}
	m.images = kept
}

// slots gives the places of our entries, in array order.
func (m *merger) slots() []int {
	var slots []int
	for i, id := range m.images {
		if e := m.entries[id]; e != nil && e.ours() {
			slots = append(slots, i)
		}
	}
	return slots
}

// unmoved tells whether our entries that stand in both arrays do so in the same order.
// An entry of ours that somebody repeated counts as moved: which copy is ours nobody
// can tell.
func (m *merger) unmoved(last []string) bool {
	left := make(map[string]int, len(last))
	for i, id := range last {
		if _, ok := left[id]; !ok {
			left[id] = i
		}
	}
	before := -1
	seen := make(map[string]bool)
	for _, i := range m.slots() {
		id := m.images[i]
		if seen[id] {
			return false
		}
		seen[id] = true
		at, ok := left[id]
		if !ok {
			continue
		}
		if at < before {
			return false
		}
		before = at
	}
	return true
}

// sortSlots puts our entries into the order of their keys, in the slots they hold.
func (m *merger) sortSlots() {
	slots := m.slots()
	ids := make([]string, len(slots))
	for i, slot := range slots {
		ids[i] = m.images[slot]
	}
	slices.SortFunc(ids, func(a, b string) int { return m.entries[a].key.compare(m.entries[b].key) })
	for i, slot := range slots {
		m.images[slot] = ids[i]
	}
}

// fresh gives the entries to add, in the order of their keys.
func (m *merger) fresh() []*entry {
	present := make(map[string]bool, len(m.images))
	for _, id := range m.images {
		present[id] = true
	}
	var fresh []*entry
	for _, e := range m.sorted {
		if e.live && !e.attached && !present[e.fileID] {
			fresh = append(fresh, e)
		}
	}
	return fresh
}

// insert adds one entry next to its nearest neighbour by key. In the sorted case the
// entries of the business serve as neighbours only where our own stay sorted: between
// our own nearest predecessor and our own nearest successor.
func (m *merger) insert(e *entry, sorted bool) {
	low, high := 0, len(m.images)
	if sorted {
		low, high = m.window(e)
	}
	at, before, after := len(m.images), (*entry)(nil), (*entry)(nil)
	for i := low; i < high; i++ {
		if n := m.entries[m.images[i]]; n != nil && n.key.compare(e.key) < 0 && (before == nil || before.key.compare(n.key) < 0) {
			before, at = n, i+1
		}
	}
	if before == nil {
		for i := low; i < min(high+1, len(m.images)); i++ {
			if n := m.entries[m.images[i]]; n != nil && n.key.compare(e.key) > 0 && (after == nil || after.key.compare(n.key) > 0) {
				after, at = n, i
			}
		}
	}
	m.images = slices.Insert(m.images, at, e.fileID)
	e.written = true
}

// window gives the places of our own nearest predecessor of e (0 where there is none)
// and of our own nearest successor (the length where there is none).
func (m *merger) window(e *entry) (low, high int) {
	high = len(m.images)
	for _, i := range m.slots() {
		if m.entries[m.images[i]].key.compare(e.key) > 0 {
			return low, i
		}
		low = i
	}
	return low, high
}

// settle gives the links as they are once the array stands in the order.
func (m *merger) settle(links []Link) []Link {
	present := make(map[string]bool, len(m.images))
	for _, id := range m.images {
		present[id] = true
	}
	out := slices.Clone(links)
	for i := range out {
		l := &out[i]
		e := m.entries[l.FileID]
		switch {
		case e == nil:
		case present[l.FileID]:
			l.Attached, l.Written = true, e.written
		case e.withdrawn:
			l.Attached, l.Written = false, false
		default:
			// The business removed it: should it ever put it back, the entry is its own. One
			// that never was attached may still appear by a write that comes late.
			l.Attached, l.Written = e.attached, e.written && !e.attached
		}
	}
	return out
}
