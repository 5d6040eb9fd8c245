package wire

import (
	"context"
	"errors"
	"fmt"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/orders"
	"github.com/afterput/afterput/pipeline/sqldb"
)

// orderStore is a store of orders that can look at what it writes into.
type orderStore interface {
	pipeline.OrderStore
	// CheckSchema tells what an attach could not do there. It changes nothing.
	CheckSchema(ctx context.Context) error
	// Inspect is CheckSchema, and tells what it found.
	Inspect(ctx context.Context) (orders.Schema, error)
}

// openOrders opens every store of orders that is configured.
func (a *App) openOrders(ctx context.Context) error {
	for _, c := range a.Config.Orders.All() {
		store, closer, err := openOrders(ctx, c.OrderTable, a.Config, a.accounts)
		if err != nil {
			return &OpenError{PartOrders, fmt.Errorf("%s: %w", orderStoreName(c), err)}
		}
		a.closers = append(a.closers, closer)
		if a.Orders == nil {
			a.Orders = pipeline.OrderStores{}
		}
		a.Orders[c.Name] = store
		a.schemas = append(a.schemas, func(ctx context.Context) error {
			if err := store.CheckSchema(ctx); err != nil {
				return &OpenError{PartOrders, fmt.Errorf("%s: %w", orderStoreName(c), err)}
			}
			return nil
		})
	}
	return nil
}

// checkOrders looks whether every store can be written into.
func (a *App) checkOrders(ctx context.Context) error {
	for _, check := range a.schemas {
		if err := check(ctx); err != nil {
			return err
		}
	}
	return nil
}

func orderStoreName(c config.OrderStore) string {
	if c.Name == "" {
		return config.DefaultOrders
	}
	return c.Name
}

// storeName is the name of the store of a bucket's orders; "" for that without one.
func storeName(b config.Bucket) string {
	if b.Orders == config.DefaultOrders || b.Orders == config.NoOrders {
		return ""
	}
	return b.Orders
}

// takesOrders tells whether uploads of a bucket may belong to orders.
func (a *App) takesOrders(b config.Bucket) bool {
	_, ok := a.Orders[storeName(b)]
	return ok && b.Orders != config.NoOrders
}

// openOrders opens one store of orders, with what closes it.
func openOrders(ctx context.Context, c config.OrderTable, cfg *config.Config, in accounts) (orderStore, func() error, error) {
	if env, ok := c.Env(); ok {
		return openDocuments(c, env, cfg.CloudBaseOf(env), in)
	}
	db, err := sqldb.Open(ctx, c.URL.Reveal())
	if err != nil {
		return nil, nil, err
	}
	store, err := orders.NewSQL(db.SQL(), orders.Options{
		Table: c.Table, KeyColumn: c.Key(), ImagesColumn: c.ImagesColumn,
		OwnerColumn: c.OwnerColumn, UpdatedAtColumn: c.UpdatedAtColumn, Dialect: orders.Dialect(db.Engine),
	})
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return store, db.Close, nil
}

// openDocuments opens a store of orders in CloudBase. There is nothing to close.
func openDocuments(c config.OrderTable, env string, key config.CloudBase, in accounts) (orderStore, func() error, error) {
	client, err := in.client(env, key)
	if err != nil {
		return nil, nil, err
	}
	store, err := orders.NewDocuments(client, orders.DocumentOptions{
		Collection: c.Table, KeyField: c.Key(), ImagesField: c.ImagesColumn,
		OwnerField: c.OwnerColumn, UpdatedAtField: c.UpdatedAtColumn, VersionField: c.Version(),
	})
	if err != nil {
		return nil, nil, err
	}
	return store, func() error { return nil }, nil
}

// InspectOrders looks at a table of orders as an attach would use it, and changes nothing.
func InspectOrders(ctx context.Context, c config.OrderTable, cfg *config.Config) (orders.Schema, error) {
	store, closer, err := openOrders(ctx, c, cfg, accounts{})
	if err != nil {
		return orders.Schema{}, err
	}
	found, err := store.Inspect(ctx)
	return found, errors.Join(err, closer())
}
