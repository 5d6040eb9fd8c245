package pipeline_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/afterput/afterput/pipeline"
)

// attachModel drives one order at random and remembers what has to hold.
type attachModel struct {
	*attachWorld
	t *rapid.T
	// business are the entries of the business that must be there, in this order.
	business []string
	// removed must not come back; unclear may or may not: they were removed while nobody
	// could know that it was us who had written them, or while an overtaken attach could
	// still find the order just as it had read it.
	removed, unclear map[string]bool
	// depth counts the attaches that were overtaken and still run.
	depth int
}

// announce commits the link of a file that is not linked yet.
func (m *attachModel) announce() {
	n := rapid.IntRange(0, 7).Draw(m.t, "file")
	name := fmt.Sprintf("f%d", n)
	for _, l := range m.book.state.Links {
		if l.FileID == name {
			return
		}
	}
	m.book.state.Links = append(m.book.state.Links, pipeline.Link{
		Seq: int64(len(m.book.state.Links) + 1), Order: "o", UploadID: name, FileID: name,
		Batch: "b", Position: &n, CreatedAt: checkedAt, Live: true,
	})
}

// edit changes the array as the business would.
func (m *attachModel) edit() {
	images := slices.Clone(m.orders.images)
	if len(images) == 0 || rapid.Bool().Draw(m.t, "write") {
		id := fmt.Sprintf("own%d", len(m.business)+100*m.runs)
		if slices.Contains(images, id) {
			return
		}
		m.orders.images = slices.Insert(images, rapid.IntRange(0, len(images)).Draw(m.t, "at"), id)
	} else {
		i := rapid.IntRange(0, len(images)-1).Draw(m.t, "remove")
		id := images[i]
		in := m.book.state.Intent
		switch {
		case id[0] != 'f':
		case m.depth > 0, in != nil && slices.Contains(in.Added, id), m.late(id):
			m.unclear[id] = true
		default:
			m.removed[id] = true
		}
		m.orders.images = slices.Delete(images, i, i+1)
	}
	m.business = slices.DeleteFunc(slices.Clone(m.orders.images), func(s string) bool { return s[0] == 'f' })
}

// late tells whether a file may have been written by an attach that lost its hold.
func (m *attachModel) late(id string) bool {
	return slices.ContainsFunc(m.book.state.Links, func(l pipeline.Link) bool {
		return l.FileID == id && l.Written && !l.Attached
	})
}

// attachDisturbed runs one attach that may be disturbed at one boundary: it dies there, the
// business edits the order, or another attach takes its hold away and runs to its end.
func (m *attachModel) attachDisturbed() {
	m.runs++
	holder := fmt.Sprintf("run%d", m.runs)
	at := rapid.SampledFrom(attachPoints()).Draw(m.t, "boundary")
	what := rapid.SampledFrom([]string{"nothing", "dies", "edit", "overtaken"}).Draw(m.t, "disturbance")
	outer, dead := m.hook, false
	m.hook = func(point string) error {
		if dead {
			return errCrash
		}
		if point != at {
			return nil
		}
		at = "" // once
		switch what {
		case "dies":
			dead = true
			return errCrash
		case "edit":
			m.edit()
		case "overtaken":
			if m.depth++; m.depth < 3 {
				m.book.holder = ""
				mine := m.hook
				m.attachDisturbed()
				m.hook = mine
			}
			m.depth--
		}
		return nil
	}
	_, _ = pipeline.Attach(m.t.Context(), m.book, m.orders, m.opt, m.now, "o", holder, accepted("f0"))
	m.hook = outer
	if dead && m.book.holder == holder {
		m.book.holder = "" // in time it loses its hold
	}
}

// TestAttachAnyway: whatever dies, overtakes or edits in between, one attach that is left
// alone ends with the chosen order, each file once, and the business's changes kept.
func TestAttachAnyway(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &attachModel{attachWorld: newAttachWorld(), t: t, removed: map[string]bool{}, unclear: map[string]bool{}}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"announce", "announce", "edit", "attach", "attach"}).Draw(t, "op") {
			case "announce":
				m.announce()
			case "edit":
				m.edit()
			case "attach":
				m.attachDisturbed()
			}
		}
		m.hook, m.book.holder = nil, ""
		_, err := pipeline.Attach(t.Context(), m.book, m.orders, m.opt, m.now, "o", "last", accepted("f0"))
		require.NoError(t, err)
		m.check()
	})
}

func (m *attachModel) check() {
	var ours, own []string
	for _, id := range m.orders.images {
		if id[0] == 'f' {
			ours = append(ours, id)
			require.False(m.t, m.removed[id] && !m.unclear[id], "%s was removed and came back: %v", id, m.orders.images)
			continue
		}
		own = append(own, id)
	}
	require.Equal(m.t, fmt.Sprint(m.business), fmt.Sprint(own), "the business's own entries")
	require.True(m.t, slices.IsSorted(ours), "the chosen order: %v", ours)
	require.Equal(m.t, len(ours), len(slices.Compact(slices.Clone(ours))), "each once: %v", ours)
	for _, l := range m.book.state.Links {
		if !m.removed[l.FileID] && !m.unclear[l.FileID] {
			require.Contains(m.t, ours, l.FileID)
		}
	}
	require.Nil(m.t, m.book.state.Intent)
	if m.book.known != "" { // we meant to write, and may have
		require.Equal(m.t, pipeline.ArrayHash(m.orders.images), m.book.known, "what subscribers know")
	}
	if told := m.book.told; len(told) > 0 {
		require.Equal(m.t, m.orders.images, told[len(told)-1].FileIDs, "what they heard last")
	} else {
		require.Empty(m.t, ours, "we wrote, and nobody heard of it")
	}
}
