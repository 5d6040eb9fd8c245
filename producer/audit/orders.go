package audit

import (
	"context"
	"fmt"
	"slices"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// orders compares every order that has links with the array that it holds.
func (a *Audit) orders(ctx context.Context) error {
	if a.opt.Orders == nil {
		return nil
	}
	after := ""
	for {
		ids, err := a.opt.Ledger.LinkedOrders(ctx, a.opt.Since, after, a.opt.Page)
		if err != nil {
			return err
		}
		for _, id := range ids {
			after = id
			if err := a.order(ctx, id); err != nil {
				return err
			}
		}
		if len(ids) < a.opt.Page {
			return nil
		}
	}
}

// compared is what comparing one order gave.
type compared struct {
	findings         []Finding
	entries, removed int
}

// order compares one order. What does not add up is read once more, because the order may
// have been written between the two reads.
func (a *Audit) order(ctx context.Context, id string) error {
	c, err := a.compare(ctx, id)
	if err == nil && len(c.findings) > 0 {
		c, err = a.compare(ctx, id)
	}
	if err != nil {
		return err
	}
	a.report.Orders++
	a.report.Entries += c.entries
	a.report.RemovedByBusiness += c.removed
	for _, f := range c.findings {
		if err := a.found(f); err != nil {
			return err
		}
	}
	return nil
}

func (a *Audit) compare(ctx context.Context, id string) (c compared, err error) {
	links, err := a.opt.Ledger.OrderLinks(ctx, id)
	if err != nil {
		return c, err
	}
	o, err := a.opt.Orders.ReadOrder(ctx, id)
	switch pipeline.ClassOf(err) { //nolint:exhaustive // the others are failures to read
	case pipeline.Waiting:
		if slices.ContainsFunc(links, written) {
			c.findings = append(c.findings, Finding{Kind: KindOrderMissing, Order: id, What: "the order held files of ours and is not there any more"})
		}
		return c, nil
	case pipeline.Invalid:
		c.findings = append(c.findings, Finding{Kind: KindOrderUnreadable, Order: id, What: err.Error()})
		return c, nil
	}
	if err != nil {
		return c, err
	}
	c.entries = len(o.Images)
	explained := map[string]bool{}
	for i := range links {
		k := &links[i]
		explained[k.FileID] = true
		a.link(&c, k, slices.Contains(o.Images, k.FileID))
	}
	for _, image := range o.Images {
		if !explained[image] && a.ours(image) {
			explained[image] = true
			c.findings = append(c.findings, Finding{
				Kind: KindPhantom, Order: id, Key: image,
				What: "the order holds a file of ours that nobody announced for it",
			})
		}
	}
	return c, nil
}

// written says that the order held an entry that we wrote, when it was merged last.
func written(k ledger.LinkAt) bool { return k.Attached && k.Written }

// link compares one link with whether its entry stands in the order.
func (a *Audit) link(c *compared, k *ledger.LinkAt, present bool) {
	f := Finding{UploadID: k.UploadID, Key: k.Key, Order: k.Order, Step: pipeline.StepAttach}
	switch {
	case k.Moving:
		return
	case k.Attached && !present && !k.Written:
		c.removed++
		return
	case k.Attached && !present:
		f.Kind, f.What = KindEntryMissing, fmt.Sprintf("%s was written into the order and is not in it", k.FileID)
	case present && !k.Live && (a.opt.KeepRejected == nil || !a.opt.KeepRejected(k.FileID)):
		f.Kind, f.What = KindRefusedEntry, fmt.Sprintf("%s was refused or is gone, but the order holds it", k.FileID)
	default:
		return
	}
	c.findings = append(c.findings, f)
}

// ours tells whether an entry names a file in our buckets.
func (a *Audit) ours(image string) bool {
	id, err := pipeline.ParseFileID(image)
	if err != nil {
		return false
	}
	_, _, err = a.opt.Buckets.Locate(id)
	return err == nil
}
