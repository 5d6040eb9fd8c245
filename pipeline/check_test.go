package pipeline_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

// probeOf tells the same facts of everything and asks for need bytes first.
func probeOf(f pipeline.Facts, need int, calls *[]int) pipeline.Prober {
	return func(head []byte, size int64) (pipeline.Facts, int) {
		*calls = append(*calls, len(head))
		if int64(len(head)) < size {
			return f, need
		}
		return f, 0
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	jpeg := pipeline.Facts{Type: "image/jpeg", Width: 2, Height: 3, Frames: 1}
	big := strings.Repeat("x", 3<<20)
	for _, tt := range []struct {
		name, body string
		facts      pipeline.Facts
		need       int
		public     bool
		want       pipeline.Code
		visibility pipeline.Visibility
		reads      []int // bytes handed to the probe
		log        string
	}{
		{
			name: "public photo", body: "photo", facts: jpeg, public: true,
			visibility: pipeline.Public, reads: []int{5}, log: "get[0:65536] k.jpg, public k.jpg",
		},
		{
			name: "private photo", body: "photo", facts: jpeg,
			visibility: pipeline.Private, reads: []int{5}, log: "get[0:65536] k.jpg, public k.jpg",
		},
		{
			name: "empty", body: "", want: pipeline.CodeEmptyFile,
			reads: []int{0}, log: "get[0:65536] k.jpg",
		},
		{
			name: "rejected: nobody asks for its visibility", body: "<html>", facts: pipeline.Facts{Type: "text/html"}, public: true,
			want: pipeline.CodeTypeNotAllowed, reads: []int{6}, log: "get[0:65536] k.jpg",
		},
		{
			name: "the probe is content with the first bytes", body: big, facts: jpeg,
			visibility: pipeline.Private, reads: []int{65536}, log: "get[0:65536] k.jpg, public k.jpg",
		},
		{
			name: "the probe asks for more", body: big, facts: jpeg, need: 200_000,
			visibility: pipeline.Private, reads: []int{65536, 200_000}, log: "get[0:65536] k.jpg, get[0:200000] k.jpg, public k.jpg",
		},
		{
			name: "the probe asks for too much", body: big, facts: jpeg, need: 2 << 20,
			visibility: pipeline.Private, reads: []int{65536, 1 << 20}, log: "get[0:65536] k.jpg, get[0:1048576] k.jpg, public k.jpg",
		},
		{
			name: "the probe asks for what it has", body: big, facts: jpeg, need: 100,
			visibility: pipeline.Private, reads: []int{65536}, log: "get[0:65536] k.jpg, public k.jpg",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var reads []int
			store := &memObjects{data: map[string]string{"k.jpg": tt.body}, public: map[string]bool{"k.jpg": tt.public}}
			res, err := pipeline.Check(t.Context(), store, probeOf(tt.facts, tt.need, &reads), testPolicy(),
				pipeline.ProbeVisibility(store), pipeline.Upload{Bucket: "b", Key: "k.jpg"})
			require.NoError(t, err)
			require.Equal(t, tt.want, res.Code)
			require.Equal(t, tt.want == "", res.Detail == "")
			require.Equal(t, pipeline.Done, res.State)
			require.Equal(t, tt.visibility, res.Content.Visibility)
			require.Equal(t, int64(len(tt.body)), res.Content.Size)
			require.Equal(t, tt.facts, res.Content.Facts)
			require.NotEmpty(t, res.Content.ETag)
			require.Equal(t, pipeline.CheckResult{Type: tt.facts.Type, Size: int64(len(tt.body))}, res.Result)
			require.Equal(t, tt.reads, reads)
			require.Equal(t, tt.log, strings.Join(store.log, ", "))
		})
	}
}

func TestCheckErrors(t *testing.T) {
	t.Parallel()
	jpeg := pipeline.Facts{Type: "image/jpeg", Width: 2, Height: 3, Frames: 1}
	denied := pipeline.Errorf(pipeline.Denied, "objects", "k.jpg", "403")
	for _, tt := range []struct {
		name  string
		fail  map[string]error
		key   string
		class pipeline.Class
	}{
		{name: "missing", key: "other.jpg", class: pipeline.Missing},
		{name: "denied", key: "k.jpg", fail: map[string]error{"get[0:65536] k.jpg": denied}, class: pipeline.Denied},
		{name: "network", key: "k.jpg", fail: map[string]error{"get[0:65536] k.jpg": errNetwork}, class: pipeline.Transient},
		{name: "visibility", key: "k.jpg", fail: map[string]error{"public k.jpg": errNetwork}, class: pipeline.Transient},
		{name: "deadline", key: "k.jpg", fail: map[string]error{"public k.jpg": context.DeadlineExceeded}, class: pipeline.Transient},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store := &memObjects{data: map[string]string{"k.jpg": "photo"}, fail: tt.fail}
			_, err := pipeline.Check(t.Context(), store, probeOf(jpeg, 0, new([]int)), testPolicy(),
				pipeline.ProbeVisibility(store), pipeline.Upload{Bucket: "b", Key: tt.key})
			require.Equal(t, tt.class, pipeline.ClassOf(err), "%v", err)
		})
	}
}

// TestCheckTwoContents: the object is replaced between the two reads. What counts is the
// second one as a whole.
func TestCheckTwoContents(t *testing.T) {
	t.Parallel()
	store := &memObjects{data: map[string]string{"k.jpg": strings.Repeat("x", 70_000)}}
	store.onRead = func() { store.data["k.jpg"] = strings.Repeat("y", 80_000) }
	jpeg := pipeline.Facts{Type: "image/jpeg", Width: 2, Height: 3, Frames: 1}
	res, err := pipeline.Check(t.Context(), store, probeOf(jpeg, 100_000, new([]int)), testPolicy(),
		pipeline.ProbeVisibility(store), pipeline.Upload{Bucket: "b", Key: "k.jpg"})
	require.NoError(t, err)
	require.Equal(t, int64(80_000), res.Content.Size)
	require.Equal(t, "v80000", res.Content.ETag)
}
