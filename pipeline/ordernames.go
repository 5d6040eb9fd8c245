package pipeline

import (
	"context"
	"strings"
)

// OrderNames are the names of the order stores that have one. The full name of an order in
// such a store is store:ID, and that of an order in the store without a name its ID. Full
// names stand in the ledger, in letters and in webhooks: two stores may have an order of
// the same ID.
type OrderNames []string

// MaxOrderBytes is the longest full name of an order.
const MaxOrderBytes = 255

// FullName gives the full name of an order in a store, of its ID or of what is its full
// name already. It is false for the full name of an order in another store, which it leaves
// as it is. No order is no order in every store.
func (n OrderNames) FullName(store, order string) (string, bool) {
	if order == "" {
		return "", true
	}
	if in, _ := n.Split(order); in != "" {
		return order, in == store
	}
	if store == "" {
		return order, true
	}
	return store + ":" + order, true
}

// Split gives the store and the ID of an order by its full name.
func (n OrderNames) Split(full string) (store, id string) {
	for _, name := range n {
		if id, ok := strings.CutPrefix(full, name+":"); ok {
			return name, id
		}
	}
	return "", full
}

// OrderStores are order stores by name, "" for the one without. It is an OrderStore for
// the full names of their orders.
type OrderStores map[string]OrderStore

var _ OrderStore = OrderStores(nil)

// Names gives the names of the stores.
func (s OrderStores) Names() OrderNames {
	var names OrderNames
	for name := range s {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (s OrderStores) find(op, full string) (OrderStore, string, error) {
	name, id := s.Names().Split(full)
	if store, ok := s[name]; ok {
		return store, id, nil
	}
	return nil, "", Errorf(Invalid, op, full, "no order store is configured for it")
}

// ReadOrder reads the order from its store. The order has its full name as ID.
func (s OrderStores) ReadOrder(ctx context.Context, full string) (Order, error) {
	store, id, err := s.find("orders.read", full)
	if err != nil {
		return Order{}, err
	}
	o, err := store.ReadOrder(ctx, id)
	o.ID = full
	return o, err
}

// WriteImages writes the order into its store.
func (s OrderStores) WriteImages(ctx context.Context, was Order, images []string) error {
	store, id, err := s.find("orders.write", was.ID)
	if err != nil {
		return err
	}
	was.ID = id
	return store.WriteImages(ctx, was, images)
}
