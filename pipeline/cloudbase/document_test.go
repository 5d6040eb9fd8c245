package cloudbase_test

import (
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/cloudbase"
	"github.com/afterput/afterput/pipeline/cloudbase/cloudbasetest"
)

// newCollection has one document, {"_id": "1", "list": ["a"], "n": 1}.
func newCollection(t *testing.T) *cloudbase.Collection {
	t.Helper()
	g, c := newClient(t, func(o *cloudbase.Options) { o.APIKey = cloudbasetest.APIKey })
	g.Collection("orders")
	g.Insert("orders", `{"_id":"1","list":["a"],"n":1}`)
	return c.Collection("orders")
}

// TestUpdates: what an update does to a document, in strict extended JSON.
func TestUpdates(t *testing.T) {
	t.Parallel()
	type o = cloudbase.Object
	for _, tt := range []struct {
		name          string
		query, change o
		want          cloudbase.Updated
		field, value  string
		class         pipeline.Class
	}{
		{name: "a field", change: o{"x": "a&b"}, want: cloudbase.Updated{Matched: 1, Changed: 1}, field: "x", value: `"a&b"`},
		{name: "count", change: o{"$inc": o{"n": cloudbase.Int(1 << 40)}}, want: cloudbase.Updated{Matched: 1, Changed: 1}, field: "n", value: `{"$numberLong":"1099511627777"}`},
		{name: "the same", change: o{"$set": o{"n": cloudbase.Int(1)}}, want: cloudbase.Updated{Matched: 1}, field: "n", value: `{"$numberInt":"1"}`},
		{name: "add", change: o{"$addToSet": o{"list": o{"$each": []string{"b", "a", "b"}}}}, want: cloudbase.Updated{Matched: 1, Changed: 1}, field: "list", value: `["a","b"]`},
		{name: "add what is there", change: o{"$addToSet": o{"list": "a"}}, want: cloudbase.Updated{Matched: 1}, field: "list", value: `["a"]`},
		{name: "take away", change: o{"$pullAll": o{"list": []string{"a", "z"}}}, want: cloudbase.Updated{Matched: 1, Changed: 1}, field: "list", value: `[]`},
		{name: "other number types are equal", query: o{"n": o{"$numberDouble": "1.0"}}, change: o{"x": true}, want: cloudbase.Updated{Matched: 1, Changed: 1}, field: "x", value: "true"},
		{name: "an entry matches", query: o{"list": "a"}, change: o{"x": true}, want: cloudbase.Updated{Matched: 1, Changed: 1}, field: "x", value: "true"},
		{name: "another array", query: o{"list": []string{"a", "b"}}, change: o{"x": true}, field: "x"},
		{name: "not there", query: o{"x": o{"$exists": true}}, change: o{"x": true}, field: "x"},
		{name: "null is what is not there", query: o{"x": nil}, change: o{"x": true}, want: cloudbase.Updated{Matched: 1, Changed: 1}, field: "x", value: "true"},
		{name: "count a text", change: o{"$inc": o{"list": cloudbase.Int(1)}}, class: pipeline.Transient},
		{name: "add to a number", change: o{"$addToSet": o{"n": "a"}}, class: pipeline.Transient},
		{name: "twice the same field", change: o{"$set": o{"n": 1}, "$inc": o{"n": 1}}, class: pipeline.Transient},
		{name: "_id", change: o{"_id": "2"}, class: pipeline.Invalid},
		{name: "_openid", change: o{"$set": o{"_openid": "2"}}, class: pipeline.Invalid},
		{name: "mixed", change: o{"x": 1, "$set": o{"y": 1}}, class: pipeline.Invalid},
		{name: "nothing", change: o{}, class: pipeline.Invalid},
		{name: "unknown operator", change: o{"$rename": o{"n": "m"}}, class: pipeline.Invalid},
		{name: "unknown question", query: o{"n": o{"$where": "1"}}, change: o{"x": 1}, class: pipeline.Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			col := newCollection(t)
			query := o{"_id": "1"}
			maps.Copy(query, tt.query)
			got, err := col.Update(t.Context(), query, tt.change)
			require.Equal(t, tt.class, pipeline.ClassOf(err), "%v", err)
			require.Equal(t, tt.want, got)
			found, err := col.Find(t.Context(), o{"_id": "1"}, []string{"x", "n", "list"}, 2)
			require.NoError(t, err)
			require.Len(t, found, 1)
			if tt.field != "" {
				require.Equal(t, tt.value, string(found[0][tt.field]))
				return
			}
			require.Equal(t, `["a"] {"$numberInt":"1"}`, fmt.Sprintf("%s %s", found[0]["list"], found[0]["n"]))
		})
	}
}

// TestUpdatesAtOnce: of many who count up from the same number one wins each time.
func TestUpdatesAtOnce(t *testing.T) {
	t.Parallel()
	col := newCollection(t)
	const writers = 16
	won := make(chan int, writers)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			n := 0
			for v := range int64(5) {
				got, err := col.Update(t.Context(), cloudbase.Object{"_id": "1", "n": cloudbase.Int(v + 1)}, cloudbase.Object{"$inc": cloudbase.Object{"n": cloudbase.Int(1)}})
				if err == nil {
					n += got.Changed
				}
			}
			won <- n
		})
	}
	wg.Wait()
	close(won)
	sum := 0
	for n := range won {
		sum += n
	}
	found, err := col.Find(t.Context(), cloudbase.Object{}, []string{"n"}, 1)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf(`{"$numberInt":"%d"}`, sum+1), string(found[0]["n"]))
	require.Equal(t, 5, sum)
}

// TestPermissionDenied: the database says 401 to a known caller, too, and no token mends that.
func TestPermissionDenied(t *testing.T) {
	t.Parallel()
	g, c := newClient(t)
	g.Collection("orders")
	g.Insert("orders", `{"_id":"1","_openid":"oX"}`)
	_, err := c.Collection("orders").Find(t.Context(), cloudbase.Object{"_id": "1"}, nil, 1)
	require.NoError(t, err)
	g.Demote()
	_, err = c.Collection("orders").Find(t.Context(), cloudbase.Object{"_id": "1"}, nil, 1)
	require.Equal(t, pipeline.Denied, pipeline.ClassOf(err))
	require.ErrorContains(t, err, "DATABASE_PERMISSION_DENIED")
	require.Equal(t, 1, g.Tokens())
}
