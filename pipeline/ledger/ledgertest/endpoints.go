package ledgertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

// disabledEndpoints: the first reason stays, until somebody enables the endpoint again.
func disabledEndpoints(b *bench) {
	ctx := b.t.Context()
	shop, err := b.Endpoint(ctx, "shop")
	require.NoError(b.t, err)
	require.Equal(b.t, pipeline.Endpoint{Name: "shop"}, shop)
	require.False(b.t, shop.Disabled())

	since := b.clock.Now()
	require.NoError(b.t, b.DisableEndpoint(ctx, "shop", "it answered 410"))
	b.clock.Add(time.Hour)
	require.NoError(b.t, b.DisableEndpoint(ctx, "shop", "again"))
	require.NoError(b.t, b.DisableEndpoint(ctx, "crm", "gone too"))
	shop, err = b.Endpoint(ctx, "shop")
	require.NoError(b.t, err)
	require.Equal(b.t, pipeline.Endpoint{Name: "shop", DisabledAt: since, Why: "it answered 410"}, shop)
	require.True(b.t, shop.Disabled())
	all, err := b.DisabledEndpoints(ctx)
	require.NoError(b.t, err)
	require.Equal(b.t, []pipeline.Endpoint{{Name: "crm", DisabledAt: b.clock.Now(), Why: "gone too"}, shop}, all)

	for _, want := range []bool{true, false} {
		changed, err := b.EnableEndpoint(ctx, "shop", "ann", "moved")
		require.NoError(b.t, err)
		require.Equal(b.t, want, changed)
	}
	shop, err = b.Endpoint(ctx, "shop")
	require.NoError(b.t, err)
	require.False(b.t, shop.Disabled())
	for id, want := range []string{1: "worker disable endpoint shop", 2: "worker disable endpoint crm", 3: "ann enable endpoint shop"} {
		if want == "" {
			continue
		}
		op, err := b.Operation(ctx, int64(id))
		require.NoError(b.t, err)
		require.Equal(b.t, want, op.Who+" "+op.What+" "+op.Filter)
	}
}
