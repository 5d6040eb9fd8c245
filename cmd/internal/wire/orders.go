package wire

import (
	"context"
	"errors"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline/orders"
	"github.com/afterput/afterput/pipeline/sqldb"
)

// openOrders opens the order store of orders.url, with what closes it.
func openOrders(ctx context.Context, c config.Orders) (*orders.SQL, func() error, error) {
	db, err := sqldb.Open(ctx, c.URL.Reveal())
	if err != nil {
		return nil, nil, err
	}
	store, err := orders.NewSQL(db.SQL(), orders.Options{
		Table: c.Table, KeyColumn: c.KeyColumn, ImagesColumn: c.ImagesColumn,
		OwnerColumn: c.OwnerColumn, UpdatedAtColumn: c.UpdatedAtColumn, Dialect: orders.Dialect(db.Engine),
	})
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return store, db.Close, nil
}

// InspectOrders looks at the orders table as an attach would use it, and changes nothing.
func InspectOrders(ctx context.Context, c config.Orders) (orders.Schema, error) {
	store, closer, err := openOrders(ctx, c)
	if err != nil {
		return orders.Schema{}, err
	}
	found, err := store.Inspect(ctx)
	return found, errors.Join(err, closer())
}
