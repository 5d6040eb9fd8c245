package doctor_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/doctor"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/orders"
)

func TestOrders(t *testing.T) {
	t.Parallel()
	type levels = []doctor.Level
	for _, tt := range []struct {
		name  string
		found orders.Schema
		err   error
		owner string
		want  levels
		what  string // of the first
		mend  string // of the last
	}{
		{"good", orders.Schema{ImagesType: "JSONB", KeyUnique: true}, nil, "openid", levels{doctor.OK}, "the table shop.orders is there, and its columns can be read and written; the array is a JSONB", ""},
		{"columns that nobody may list", orders.Schema{KeyUnique: true}, nil, "openid", levels{doctor.OK}, "the table shop.orders is there, and its columns can be read and written", ""},
		{"no index", orders.Schema{}, nil, "openid", levels{doctor.OK, doctor.Warn}, "", "make a unique index on that column"},
		{"no owner", orders.Schema{KeyUnique: true}, nil, "", levels{doctor.OK, doctor.Skip}, "", "set it to the column with the openid, if there is one"},
		{
			"no right",
			orders.Schema{},
			pipeline.Errorf(pipeline.Denied, "orders.schema", "orders", "permission denied"), "",
			levels{doctor.Fail},
			`orders.schema "orders": permission denied`, "grant the user SELECT on the columns of orders.*, and UPDATE on the images and updated-at columns",
		},
		{
			"no column",
			orders.Schema{},
			pipeline.Errorf(pipeline.Invalid, "orders.schema", "orders", "there is no column"), "",
			levels{doctor.Fail},
			`orders.schema "orders": there is no column`, "let orders.* name the columns of the table, or change the table",
		},
		{
			"away",
			orders.Schema{},
			context.DeadlineExceeded, "",
			levels{doctor.Fail},
			"context deadline exceeded", "is the database up, and are orders.* right? afterput config show --origin tells where they come from",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := doctor.Orders{Table: "shop.orders", KeyColumn: "id", OwnerColumn: tt.owner, Inspect: func(ctx context.Context) (orders.Schema, error) {
				_, limited := ctx.Deadline()
				require.True(t, limited, "a database that does not answer does not hold up the others")
				return tt.found, tt.err
			}}
			findings := c.Run(t.Context())
			got := make(levels, len(findings))
			for i, f := range findings {
				got[i] = f.Level
			}
			require.Equal(t, tt.want, got)
			if tt.what != "" {
				require.Equal(t, tt.what, findings[0].What)
			}
			require.Equal(t, tt.mend, findings[len(findings)-1].Mend)
		})
	}
	for name, tt := range map[string]struct {
		found      orders.Schema
		err        error
		want, mend string
	}{
		"good":        {orders.Schema{ImagesType: "array", KeyUnique: true}, nil, "ok the collection shop is there, and its documents can be read and written", ""},
		"another key": {orders.Schema{}, nil, "skip the indexes of a collection cannot be seen: without a unique one on no each read looks at all documents, and two can be one order", "look in the console of CloudBase"},
		"no right": {
			orders.Schema{},
			pipeline.Errorf(pipeline.Denied, "orders.schema", "shop", "no"), `fail orders.schema "shop": no`,
			"let cloudbase.* hold an API key of the environment or a CAM key pair: keys of clients may not write orders",
		},
		"no collection": {
			orders.Schema{},
			pipeline.Errorf(pipeline.Missing, "orders.schema", "shop", "no"), `fail orders.schema "shop": no`,
			"make the collection in the console of CloudBase, or let orders.table name another one",
		},
	} {
		c := doctor.Orders{Documents: true, Table: "shop", KeyColumn: "no", OwnerColumn: "_openid", Inspect: func(context.Context) (orders.Schema, error) {
			return tt.found, tt.err
		}}
		findings := c.Run(t.Context())
		last := findings[len(findings)-1]
		require.Equal(t, tt.want, string(last.Level)+" "+last.What, name)
		require.Equal(t, tt.mend, last.Mend, name)
	}
	require.Equal(t, doctor.Skip, doctor.OrderStores{}.Run(t.Context())[0].Level)
}

// TestOrderStores: every store is looked at, whatever is wrong with the others.
func TestOrderStores(t *testing.T) {
	t.Parallel()
	store := func(name string, err error) doctor.Orders {
		return doctor.Orders{Store: name, Table: "t", KeyColumn: "id", OwnerColumn: "openid", Inspect: func(context.Context) (orders.Schema, error) {
			return orders.Schema{KeyUnique: true}, err
		}}
	}
	found := doctor.OrderStores{store("", nil), store("repairs", context.DeadlineExceeded), store("rentals", nil)}.Run(t.Context())
	require.Len(t, found, 3)
	require.Equal(t, "the table t is there, and its columns can be read and written", found[0].What)
	require.Equal(t, "repairs: context deadline exceeded", found[1].What)
	require.Equal(t, "rentals: the table t is there, and its columns can be read and written", found[2].What)
	require.Equal(t, []doctor.Level{doctor.OK, doctor.Fail, doctor.OK}, []doctor.Level{found[0].Level, found[1].Level, found[2].Level})
}
