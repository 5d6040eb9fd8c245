package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/afterput/afterput/cmd/internal/devworld"
)

// early sends n files that are announced a while before they are uploaded.
func (g *generator) early(ctx context.Context, n int, ahead time.Duration) error {
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(8)
	for _, o := range g.plan(n) {
		o.door = byPhone
		eg.Go(func() error {
			if err := g.announceFirst(ctx, o); err != nil {
				return err
			}
			pause(ctx, ahead)
			return g.putAll(ctx, o)
		})
	}
	return eg.Wait()
}

// announceFirst makes an order and announces its files, of which nothing is uploaded yet.
func (g *generator) announceFirst(ctx context.Context, o *order) (err error) {
	if err = g.makeOrder(ctx, o.id, o.owner); err != nil {
		return err
	}
	for i := range o.files {
		f := &o.files[i]
		f.identify()
		if f.Sent, err = g.sent.add(f.Sent); err != nil {
			return err
		}
	}
	return g.announce(ctx, o)
}

// putAll uploads the files of an order.
func (g *generator) putAll(ctx context.Context, o *order) error {
	for i := range o.files {
		if err := g.put(ctx, o, &o.files[i]); err != nil {
			return err
		}
	}
	return nil
}

// put uploads a file and lets its event get lost.
func (g *generator) put(ctx context.Context, o *order, f *file) error {
	if f.body == nil {
		return nil
	}
	return again(ctx, func() error {
		return g.phone.Put(ctx, f.Key, f.body, devworld.Chosen{Order: o.id, Position: f.Slot, Public: f.public})
	})
}

// replace sends n photos, and at once another one under the same name. The two events
// arrive in their order, or backwards: the older one last.
func (g *generator) replace(ctx context.Context, n int, backwards bool) (replaced int, err error) {
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(8)
	for _, o := range g.plan(n) {
		eg.Go(func() error {
			if err := g.makeOrder(ctx, o.id, o.owner); err != nil {
				return err
			}
			for i := range o.files {
				if err := g.twice(ctx, o, &o.files[i], backwards); err != nil {
					return err
				}
			}
			return nil
		})
		replaced += len(o.files)
	}
	return replaced, eg.Wait()
}

func (g *generator) twice(ctx context.Context, o *order, f *file, backwards bool) error {
	g.mu.Lock()
	hue := g.rng.IntN(len(hues))
	g.mu.Unlock()
	f.Kind, f.Expect, f.Hue, f.body = "photo", ExpectDone, hue, pictures()[hue]
	first, older, err := g.create(ctx, o, f)
	if err != nil {
		return err
	}
	if !backwards {
		if err := g.deliver(ctx, older, first); err != nil {
			return err
		}
	}
	f.Kind, f.Hue = "replaced", (hue+1)%len(hues)
	f.body = pictures()[f.Hue]
	second, newer, err := g.create(ctx, o, f)
	if err != nil {
		return err
	}
	if err := g.deliver(ctx, newer, second); err != nil || !backwards {
		return err
	}
	return g.deliver(ctx, older, first)
}

// create records and uploads a file and gives its event, undelivered.
func (g *generator) create(ctx context.Context, o *order, f *file) (n int, event []byte, err error) {
	f.identify()
	if f.Sent, err = g.sent.add(f.Sent); err != nil {
		return 0, nil, err
	}
	arrives := g.events.expect(f.Key)
	if err := g.put(ctx, o, f); err != nil {
		return 0, nil, err
	}
	event, err = await(arrives, f.Key)
	return f.N, event, err
}

func await(event <-chan []byte, key string) ([]byte, error) {
	select {
	case raw := <-event:
		return raw, nil
	case <-time.After(time.Minute):
		return nil, fmt.Errorf("the bucket made no event for %s", key)
	}
}

// vanish sends n photos and deletes them; the event of the deletion arrives before that
// of the creation.
func (g *generator) vanish(ctx context.Context, n int) (gone int, err error) {
	for _, o := range g.plan(n) {
		if err := g.makeOrder(ctx, o.id, o.owner); err != nil {
			return gone, err
		}
		for i := range o.files {
			f := &o.files[i]
			f.Kind, f.Expect, f.Hue, f.body = "deleted", ExpectGone, 0, pictures()[0]
			line, created, err := g.create(ctx, o, f)
			if err != nil {
				return gone, err
			}
			arrives := g.events.expect(f.Key)
			if err := g.phone.Delete(ctx, f.Key); err != nil {
				return gone, err
			}
			deleted, err := await(arrives, f.Key)
			if err != nil {
				return gone, err
			}
			if status, body, err := g.phone.Call(ctx, http.MethodPost, "/v1/events/cos", deleted); err != nil || status/100 != 2 {
				return gone, errors.Join(err, &devworld.StatusError{Status: status, Body: body})
			}
			if err := g.deliver(ctx, created, line); err != nil {
				return gone, err
			}
			gone++
		}
	}
	return gone, nil
}

// poison sends photos with the bytes that kill a process of the battery which decodes
// them: see wire.Poison.
func (g *generator) poison(ctx context.Context, n int) error {
	const pill = "afterput-poison-pill"
	for range n {
		for _, o := range g.plan(1) {
			o.door = byEvents
			f := &o.files[0]
			photo := pictures()[0]
			// A comment segment after SOI (ITU T.81, B.2.4.5).
			f.body = bytes.Join([][]byte{photo[:2], {0xff, 0xfe, 0, byte(len(pill) + 2)}, []byte(pill), photo[2:]}, nil)
			f.Kind, f.Expect, f.Hue = "poison", ExpectDone, 0
			if err := g.sendOrder(ctx, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// makeOrders makes the rows of orders that were left out.
func (g *generator) makeOrders(ctx context.Context, from, to int) error {
	owners := map[string]string{}
	g.sent.mu.Lock()
	for _, s := range g.sent.sent {
		owners[s.Order] = s.Tenant
	}
	g.sent.mu.Unlock()
	for n := from; n <= to; n++ {
		id := fmt.Sprintf("A%05d", n)
		if err := g.makeOrder(ctx, id, owners[id]); err != nil {
			return err
		}
	}
	return nil
}

// photos sends n times the same photo.
func (g *generator) photos(ctx context.Context, n int, photo []byte) error {
	for sent := 0; sent < n; {
		for _, o := range g.plan(min(n-sent, 1)) {
			f := &o.files[0]
			f.Kind, f.Expect, f.Hue, f.body, o.door = "large photo", ExpectDone, -1, photo, byEvents
			if err := g.sendOrder(ctx, o); err != nil {
				return err
			}
			sent++
		}
	}
	return nil
}

// unborn announces n files under whose names nothing lies yet.
func (g *generator) unborn(ctx context.Context, n int) ([]*order, error) {
	orders := g.plan(n)
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(8)
	for _, o := range orders {
		o.door = byPhone
		for i := range o.files {
			f := &o.files[i]
			f.Kind, f.Expect, f.Hue = "photo", ExpectDone, i%len(hues)
			f.body = pictures()[f.Hue]
		}
		eg.Go(func() error { return g.announceFirst(ctx, o) })
	}
	return orders, eg.Wait()
}

// born uploads them; their events get lost.
func (g *generator) born(ctx context.Context, orders []*order) error {
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(8)
	for _, o := range orders {
		eg.Go(func() error { return g.putAll(ctx, o) })
	}
	return eg.Wait()
}
