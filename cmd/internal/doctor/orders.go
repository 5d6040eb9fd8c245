package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/orders"
)

// ordersTimeout is how long a database may take to answer.
const ordersTimeout = 15 * time.Second

// OrderStores checks every store of orders that is configured.
type OrderStores []Orders

// Name is orders.
func (OrderStores) Name() string { return "orders" }

// Run checks one after the other. What is found of a store with a name begins with it.
func (c OrderStores) Run(ctx context.Context) []Finding {
	if len(c) == 0 {
		return []Finding{{Skip, "orders.url is not set: fileIDs are not written into orders", "set orders.url, or leave it where nobody needs it"}}
	}
	var all []Finding
	for _, store := range c {
		for _, f := range store.Run(ctx) {
			if store.Store != "" {
				f.What = store.Store + ": " + f.What
			}
			all = append(all, f)
		}
	}
	return all
}

// Orders checks one table of the business that fileIDs are written into.
type Orders struct {
	// Store is the name of the store in orders.stores; empty for that of orders itself.
	Store string
	// Inspect looks at the live table.
	Inspect func(ctx context.Context) (orders.Schema, error)
	// Documents says that the table is a collection of CloudBase.
	Documents bool
	// Table is orders.table, KeyColumn the column that orders.keyColumn means.
	Table, KeyColumn string
	// OwnerColumn is orders.ownerColumn; empty where it is not set.
	OwnerColumn string
}

// Run runs the statements of an attach on no row.
func (c Orders) Run(ctx context.Context) []Finding {
	ctx, cancel := context.WithTimeout(ctx, ordersTimeout)
	defer cancel()
	found, err := c.Inspect(ctx)
	if err != nil {
		return []Finding{{Fail, err.Error(), c.mend(pipeline.ClassOf(err))}}
	}
	what := fmt.Sprintf("the table %s is there, and its columns can be read and written", c.Table)
	if c.Documents {
		what = fmt.Sprintf("the collection %s is there, and its documents can be read and written", c.Table)
	} else if found.ImagesType != "" {
		what += "; the array is a " + found.ImagesType
	}
	findings := []Finding{{Level: OK, What: what}}
	switch {
	case found.KeyUnique:
	case c.Documents:
		findings = append(findings, Finding{
			Skip, fmt.Sprintf("the indexes of a collection cannot be seen: without a unique one on %s each read looks at all documents, and two can be one order", c.KeyColumn),
			"look in the console of CloudBase",
		})
	default:
		findings = append(findings, Finding{
			Warn, fmt.Sprintf("no unique index is on %s alone: an attach may read and lock the whole table, and two rows can be one order", c.KeyColumn),
			"make a unique index on that column",
		})
	}
	if c.OwnerColumn == "" {
		findings = append(findings, Finding{
			Skip, "orders.ownerColumn is not set: whose an order is cannot be compared with whose a file is",
			"set it to the column with the openid, if there is one",
		})
	}
	return findings
}

func (c Orders) mend(class pipeline.Class) string {
	switch class { //nolint:exhaustive // the others are about the surroundings
	case pipeline.Missing:
		return "make the collection in the console of CloudBase, or let orders.table name another one"
	case pipeline.Denied:
		if c.Documents {
			return "let cloudbase.* hold an API key of the environment or a CAM key pair: keys of clients may not write orders"
		}
		return "grant the user SELECT on the columns of orders.*, and UPDATE on the images and updated-at columns"
	case pipeline.Invalid:
		return "let orders.* name the columns of the table, or change the table"
	}
	return "is the database up, and are orders.* right? afterput config show --origin tells where they come from"
}
