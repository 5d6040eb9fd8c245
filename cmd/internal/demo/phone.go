package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
)

// phones upload the plan and announce it.
type phones struct {
	world    *devworld.World
	phone    *devworld.Phone
	sent     *recorder
	progress func(done, total int)
}

// upload sends every shot, four at a time, in the shuffled order of the plan. Before it
// decides which events get lost: only of orders whose phone will announce.
func (p *phones) upload(ctx context.Context, pl *plan) error {
	if err := p.disturb(pl); err != nil {
		return err
	}
	var done atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for i := range pl.shots {
		g.Go(func() error {
			if err := ctx.Err(); err != nil { // rendering takes long, and hears nothing
				return err
			}
			s := &pl.shots[i]
			body, err := s.body()
			if err != nil {
				return err
			}
			s.ETag = etagOf(body)
			if err := p.sent.add(s.Sent); err != nil {
				return err
			}
			if err := p.put(ctx, s.Sent, body, i%2 == 0); err != nil {
				return fmt.Errorf("upload %s: %w", s.Key, err)
			}
			p.progress(int(done.Add(1)), len(pl.shots))
			return nil
		})
	}
	return g.Wait()
}

func (p *phones) disturb(pl *plan) error {
	faults := []coslocal.Fault{
		{Kind: coslocal.EventDouble, Rate: 0.3},
		{Kind: coslocal.EventReorder, Rate: 0.3},
	}
	for _, o := range pl.orders {
		if o.phone {
			faults = append(faults, coslocal.Fault{
				Name: "lose-" + o.id, Kind: coslocal.EventLose, Rate: 0.3,
				Prefix: fmt.Sprintf("users/%s/%s/", o.owner, o.id),
			})
		}
	}
	for _, f := range faults {
		if err := p.world.COS.Faults().Set(f); err != nil {
			return err
		}
	}
	return nil
}

// announce posts what a mini program posts when its uploads are through: one order with
// its files in the chosen order. Every second phone loses the answer and posts again;
// every third never gets to post.
func (p *phones) announce(ctx context.Context, pl *plan) error {
	for n, o := range pl.orders {
		if !o.phone {
			continue
		}
		files := make([]string, 0, len(o.shots))
		for _, i := range o.shots {
			files = append(files, "cos://"+devworld.Bucket+"/"+pl.shots[i].Key)
		}
		for range n%2 + 1 {
			status, body, err := p.phone.Announce(ctx, o.id, o.owner, "b-"+o.id, files)
			if err != nil {
				return err
			}
			if status != http.StatusAccepted {
				return fmt.Errorf("announce order %s: status %d: %s", o.id, status, body)
			}
		}
	}
	return nil
}

// put uploads by PUT with an Authorization header, or by a POST form with a policy.
func (p *phones) put(ctx context.Context, s Sent, body []byte, byForm bool) error {
	chosen := devworld.Chosen{Order: s.Order, Position: s.Position, Public: s.Public}
	if byForm && len(body) > 0 {
		return p.phone.Form(ctx, s.Key, s.Name, body, chosen)
	}
	return p.phone.Put(ctx, s.Key, body, chosen)
}

func (p *phones) post(ctx context.Context, v any) (int, []byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return 0, nil, err
	}
	return p.phone.Call(ctx, http.MethodPost, "/v1/uploads", b)
}
