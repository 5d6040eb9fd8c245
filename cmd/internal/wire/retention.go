package wire

import "github.com/afterput/afterput/producer/retention"

// Eraser makes what removes an owner: with order entries and originals where asked for.
func (a *App) Eraser(entries, originals bool) *retention.Eraser {
	e := &retention.Eraser{
		Ledger: a.Ledger, Objects: a.Objects, URLs: a.Cache, Thumbnails: a.thumbnailOptions, Originals: originals,
	}
	if entries && a.Orders != nil {
		e.Orders = a.Orders
	}
	return e
}
