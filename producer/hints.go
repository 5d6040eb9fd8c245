package producer

import (
	"context"
	"fmt"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer/events"
)

// Hints tells what is known of objects before anybody announces them: what the signer
// wrote down when it signed for them. *ledger.Ledger is one.
type Hints interface {
	// Signed gives what is known, by upload ID, of those that it knows. Errors of class
	// Transient refuse the announcements for now.
	Signed(ctx context.Context, uploadIDs ...string) (map[string]ledger.Signed, error)
}

// draft is an announcement as its body says it, with what may complete it.
type draft struct {
	pipeline.Announcement
	// placed says that Position is only the place in a list of one, which nobody chose.
	placed bool
	// meta has what the uploader said beside the object: Order, Position and Batch of its
	// x-cos-meta-* headers, in a callback the Owner as well.
	meta events.Event
	// conflicts says where the sources disagree.
	conflicts []string
}

// claim is what one source says about an upload.
type claim struct {
	source, order, owner string
	position             *int
}

// complete fills in order, owner and position from the sources in the order of their
// weight: the body, the signer, what the uploader said beside the object, its name. Where
// two disagree
// the weightier one counts, and the others are told. A removal needs none of them.
func (p *Producer) complete(ctx context.Context, drafts []draft) error {
	ids := make([]string, 0, len(drafts))
	for i := range drafts {
		if d := &drafts[i]; !d.Removed {
			ids = append(ids, pipeline.UploadID(d.Bucket, d.Key))
		}
	}
	signed, err := p.opt.Hints.Signed(ctx, ids...)
	if err != nil {
		return err
	}
	for i := range drafts {
		d := &drafts[i]
		if d.Removed {
			continue
		}
		d.settle(p.claims(d, signed[pipeline.UploadID(d.Bucket, d.Key)]))
		for _, c := range d.conflicts {
			p.opt.Logger.WarnContext(ctx, "sources disagree about an upload", "key", d.Key, "source", d.Source, "conflict", c)
		}
	}
	return nil
}

// claims lists what each source says, the weightiest first.
func (p *Producer) claims(d *draft, signed ledger.Signed) []claim {
	body := claim{source: "the body", order: d.Order, owner: d.Owner, position: d.Position}
	if d.placed {
		body.position = nil
	}
	rules := p.opt.of(d.Bucket)
	if !rules.Orders {
		signed.Order = "" // nobody asks for it now
	}
	for _, order := range []*string{&body.order, &signed.Order, &d.meta.Order} {
		*order, _ = p.opt.Stores.FullName(rules.Store, *order)
	}
	uploader := "x-cos-meta"
	if d.Source == sourceCallback {
		uploader = "the callback"
	}
	list := []claim{
		body,
		{"the signer", signed.Order, signed.Owner, signed.Position},
		{uploader, d.meta.Order, d.meta.Owner, d.meta.Position},
	}
	if rules.Pattern != nil {
		if owner, order, position, ok := rules.Pattern.Match(d.Key); ok {
			order, _ = p.opt.Stores.FullName(rules.Store, order)
			list = append(list, claim{"the name", order, owner, position})
		}
	}
	return list
}

// settle decides. A position belongs to the order that its source names: one for another
// order says nothing.
func (d *draft) settle(claims []claim) {
	d.Order = d.choose("order", claims, func(c claim) string { return c.order })
	d.Owner = d.choose("owner", claims, func(c claim) string { return c.owner })
	var places []claim
	for _, c := range claims {
		if c.position != nil && (c.order == "" || c.order == d.Order) {
			places = append(places, c)
		}
	}
	d.choose("position", places, func(c claim) string { return fmt.Sprint(*c.position) })
	if len(places) > 0 {
		d.Position = places[0].position
	}
	if d.Batch == "" && (d.meta.Order == "" || d.meta.Order == d.Order) {
		d.Batch = d.meta.Batch
	}
}

// choose gives what the first source says that says anything, and notes who contradicts.
func (d *draft) choose(what string, claims []claim, of func(claim) string) string {
	chosen, by := "", ""
	for _, c := range claims {
		switch said := of(c); {
		case said == "" || said == chosen:
		case chosen == "":
			chosen, by = said, c.source
		default:
			d.conflicts = append(d.conflicts, fmt.Sprintf("%s: %s says %q, %s %q: %q counts", what, by, chosen, c.source, said, chosen))
		}
	}
	return chosen
}
