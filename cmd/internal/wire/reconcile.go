package wire

import (
	"context"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/objects"
	"github.com/afterput/afterput/producer/reconcile"
)

// Reconciler makes the comparison of buckets and ledger over the App.
func (a *App) Reconciler() (*reconcile.Reconciler, error) {
	p, err := a.Producer()
	if err != nil {
		return nil, err
	}
	opt := reconcile.Options{
		Objects: listing{a.Objects}, Ledger: a.Ledger, Door: p, Queue: a.Queue, Thumbnails: a.thumbnailOptions,
	}
	if a.Orders != nil {
		opt.Metadata = listing{a.Objects}
	}
	return reconcile.New(opt)
}

// listing is the store's listing as reconcile wants it. Errors are *OpenError.
type listing struct{ store *objects.Store }

// List is part of reconcile.Lister.
func (l listing) List(ctx context.Context, bucket, prefix, marker string, limit int) ([]reconcile.Object, string, error) {
	page, err := l.store.List(ctx, bucket, prefix, marker, limit)
	if err != nil {
		return nil, "", &OpenError{PartStorage, err}
	}
	out := make([]reconcile.Object, 0, len(page.Objects))
	for _, o := range page.Objects {
		out = append(out, reconcile.Object(o))
	}
	return out, page.Next, nil
}

// Metadata is reconcile.Metadata.
func (l listing) Metadata(ctx context.Context, bucket, key string) (map[string]string, error) {
	meta, err := l.store.Metadata(ctx, bucket, key)
	if err != nil && pipeline.ClassOf(err) != pipeline.Missing {
		return nil, &OpenError{PartStorage, err}
	}
	return meta, err
}
