package worker

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/afterput/afterput/pipeline"
)

// model says what must be once everything has come to rest, from what was sent and what
// lies in the bucket. It knows nothing of steps, tasks or attempts.
type model struct {
	content map[string]string    // by key; no entry: the object is not there
	known   map[string]bool      // keys that were announced
	absent  map[string]bool      // keys that a check may have found missing
	links   map[string][]*chosen // by order, in the order of their first commit
}

// chosen is the place in an order that was chosen for a file.
type chosen struct {
	key, batch string
	position   *int
}

// announce notes what was sent. What is known of a link is never overwritten.
func (m *model) announce(a pipeline.Announcement) {
	if a.Removed && !m.known[a.Key] {
		return
	}
	m.known[a.Key] = true
	m.absent[a.Key] = m.absent[a.Key] || m.content[a.Key] == ""
	i := slices.IndexFunc(m.links[a.Order], func(c *chosen) bool { return c.key == a.Key })
	if i < 0 {
		m.links[a.Order] = append(m.links[a.Order], &chosen{a.Key, a.Batch, a.Position})
		return
	}
	c := m.links[a.Order][i]
	c.position = cmp.Or(c.position, a.Position)
	if c.batch == "" && a.Batch != "" {
		c.batch, c.position = a.Batch, cmp.Or(a.Position, c.position)
	}
}

// good tells whether the file is one that an order may hold.
func (m *model) good(key string) bool { return strings.HasPrefix(m.content[key], "good") }

// array gives the keys that an order must hold: batches by first commit, then position.
func (m *model) array(order string) (keys []string) {
	first, places := map[string]int{}, map[string][]int{}
	for seq, c := range m.links[order] {
		if _, ok := first[c.batch]; !ok {
			first[c.batch] = seq
		}
		places[c.key] = []int{first[c.batch], math.MaxInt, seq}
		if c.position != nil {
			places[c.key][1] = *c.position
		}
		if m.good(c.key) {
			keys = append(keys, c.key)
		}
	}
	slices.SortFunc(keys, func(a, b string) int { return slices.Compare(places[a], places[b]) })
	return keys
}

// state gives the state of an upload. An object that no check has ever found needs a person.
func (m *model) state(key string, checked bool) pipeline.State {
	switch {
	case m.good(key):
		return pipeline.UploadDone
	case m.content[key] != "":
		return pipeline.UploadRejected
	case checked:
		return pipeline.UploadGone
	}
	return pipeline.UploadDead
}
