package pipeline_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

func TestOrderNames(t *testing.T) {
	t.Parallel()
	names := pipeline.OrderNames{"repairs", "rentals"}
	for _, tt := range []struct {
		store, order, want string
		ok                 bool
	}{
		{"", "A12", "A12", true},
		{"repairs", "A12", "repairs:A12", true},
		{"repairs", "repairs:A12", "repairs:A12", true},
		{"rentals", "repairs:A12", "repairs:A12", false},
		{"", "repairs:A12", "repairs:A12", false},
		{"", "other:A12", "other:A12", true},
		{"repairs", "other:A12", "repairs:other:A12", true},
		{"repairs", "", "", true},
	} {
		full, ok := names.FullName(tt.store, tt.order)
		require.Equal(t, tt.want, full, tt)
		require.Equal(t, tt.ok, ok, tt)
		if again, ok := names.FullName(tt.store, full); tt.ok {
			require.True(t, ok, tt)
			require.Equal(t, full, again, "the full name of a full name is itself")
		}
	}
	store, id := names.Split("repairs:other:A12")
	require.Equal(t, []string{"repairs", "other:A12"}, []string{store, id})
	store, id = names.Split("A12")
	require.Equal(t, []string{"", "A12"}, []string{store, id})
	full, ok := pipeline.OrderNames(nil).FullName("", "a:b")
	require.True(t, ok && full == "a:b", "without stores that have names every ID is one")
}

// oneOrder is a store that holds one order and refuses any other.
type oneOrder struct{ order pipeline.Order }

func (s *oneOrder) ReadOrder(_ context.Context, id string) (pipeline.Order, error) {
	if id != s.order.ID {
		return pipeline.Order{}, pipeline.Errorf(pipeline.Waiting, "read", id, "not there")
	}
	return s.order, nil
}

func (s *oneOrder) WriteImages(_ context.Context, was pipeline.Order, images []string) error {
	if was.ID != s.order.ID || was.Version != s.order.Version {
		return pipeline.Errorf(pipeline.Conflict, "write", was.ID, "changed")
	}
	s.order.Images = images
	return nil
}

// TestOrderStores: orders of one ID in two stores are two orders.
func TestOrderStores(t *testing.T) {
	t.Parallel()
	plain := &oneOrder{pipeline.Order{ID: "A12", Images: []string{"shop"}, Version: "1"}}
	repairs := &oneOrder{pipeline.Order{ID: "A12", Images: []string{"repair"}, Version: "2"}}
	stores := pipeline.OrderStores{"": plain, "repairs": repairs}
	for full, store := range map[string]*oneOrder{"A12": plain, "repairs:A12": repairs} {
		was, err := stores.ReadOrder(t.Context(), full)
		require.NoError(t, err)
		require.Equal(t, full, was.ID)
		require.Equal(t, store.order.Images, was.Images)
		require.NoError(t, stores.WriteImages(t.Context(), was, []string{"new in " + full}))
		require.Equal(t, []string{"new in " + full}, store.order.Images)
	}
	_, err := stores.ReadOrder(t.Context(), "repairs:B")
	require.Equal(t, pipeline.Waiting, pipeline.ClassOf(err))

	named := pipeline.OrderStores{"repairs": repairs}
	_, err = named.ReadOrder(t.Context(), "A12")
	require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err), "its store is not configured any more")
	require.Equal(t, pipeline.Invalid, pipeline.ClassOf(named.WriteImages(t.Context(), pipeline.Order{ID: "A12"}, nil)))
}
