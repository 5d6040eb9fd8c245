package chaos

import (
	"context"
	"crypto/md5" //nolint:gosec // the ETag of COS
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/sqldb"
)

// generator is the oracle: it knows what it sent, and what must become of it.
type generator struct {
	world  *devworld.World
	phone  *devworld.Phone
	shop   *sqldb.DB
	events *postbox
	sent   *record

	mu     sync.Mutex
	rng    *rand.Rand
	orders int
	// absentOrders are orders that get no row in the shop.
	absentOrders bool
	// onlyPhotos leaves out the generator's own bad files.
	onlyPhotos bool
	// doubles is how often every signal is sent, at once; 0 lets chance double some.
	doubles int
}

func newGenerator(w *devworld.World, shop *sqldb.DB, events *postbox, path string, seed uint64) (*generator, error) {
	sent, err := newRecord(path)
	if err != nil {
		return nil, err
	}
	phone := w.Phone()
	phone.Client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	return &generator{
		world: w, phone: phone, shop: shop, events: events, sent: sent,
		rng: rand.New(rand.NewPCG(seed, 1)), //nolint:gosec // repeatable on purpose
	}, nil
}

func (g *generator) close() { _ = g.sent.f.Close() }

// door is how an order's files are announced.
type door int

const (
	byEvents door = iota
	byPhone
	byBoth
)

// order is one order with its files in the chosen order.
type order struct {
	id, owner string
	door      door
	files     []file
	// uploads is the order in which the files are uploaded.
	uploads []int
}

// file is one of them.
type file struct {
	Sent
	body   []byte
	public bool
}

// send sends n files in orders of up to nine, eight phones at once, and returns when
// every door has accepted what it was given.
func (g *generator) send(ctx context.Context, n int) error {
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(8)
	for _, o := range g.plan(n) {
		eg.Go(func() error { return g.sendOrder(ctx, o) })
	}
	return eg.Wait()
}

// plan makes orders with n files.
func (g *generator) plan(n int) []*order {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []*order
	for n > 0 {
		g.orders++
		o := &order{id: fmt.Sprintf("A%05d", g.orders), owner: fmt.Sprintf("o%03d", g.rng.IntN(50)), door: door(g.rng.IntN(3))}
		for slot := range min(n, 1+g.rng.IntN(9)) {
			o.files = append(o.files, g.file(o, slot))
		}
		o.uploads = g.rng.Perm(len(o.files))
		n -= len(o.files)
		all = append(all, o)
	}
	return all
}

// file makes the file for a slot: mostly a small photo, now and then a real one, a page
// that calls itself one, or a name under which nothing lies.
func (g *generator) file(o *order, slot int) file {
	f := file{public: g.rng.IntN(4) == 0, Sent: Sent{
		Order: o.id, Slot: slot, Tenant: o.owner, Key: fmt.Sprintf("users/%s/%s/%02d.jpg", o.owner, o.id, slot),
	}}
	chance := g.rng.IntN(100)
	switch {
	case chance < 3 && !g.onlyPhotos:
		f.Kind, f.Expect, f.body = "page", ExpectRejected, samples.HTML()
	case chance < 5 && !g.onlyPhotos && o.door == byPhone:
		f.Kind, f.Expect = "absent", ExpectMissing
	case chance < 9:
		f.Kind, f.Expect, f.body = "phone photo", ExpectDone, photos()[g.rng.IntN(2)]
		f.Hue = -1
	default:
		f.Hue = g.rng.IntN(len(hues))
		f.Kind, f.Expect, f.body = "photo", ExpectDone, pictures()[f.Hue]
	}
	return f
}

// sendOrder does what one phone and the bucket's events do for one order.
func (g *generator) sendOrder(ctx context.Context, o *order) error {
	if !g.absentOrders {
		if err := g.makeOrder(ctx, o.id, o.owner); err != nil {
			return err
		}
	}
	for _, i := range o.uploads {
		if err := g.upload(ctx, o, &o.files[i]); err != nil {
			return err
		}
	}
	if o.door == byEvents {
		return nil
	}
	return g.announce(ctx, o)
}

func (g *generator) makeOrder(ctx context.Context, id, owner string) error {
	return again(ctx, func() error { // a row may keep its database busy
		_, err := g.shop.ExecContext(ctx, "INSERT INTO orders (id, openid) VALUES (?, ?)", id, owner)
		return err
	})
}

// upload records a file, uploads it and delivers its event, unless the phone alone tells.
func (g *generator) upload(ctx context.Context, o *order, f *file) (err error) {
	f.identify()
	if f.Sent, err = g.sent.add(f.Sent); err != nil || f.body == nil {
		return err
	}
	event := g.events.expect(f.Key)
	if err := g.put(ctx, o, f); err != nil {
		return err
	}
	raw, err := await(event, f.Key)
	if err != nil || o.door == byPhone {
		return err
	}
	return g.deliver(ctx, raw, f.N)
}

// identify fills in what the bytes are.
func (f *file) identify() {
	if f.body != nil {
		md, sha := md5.Sum(f.body), sha256.Sum256(f.body) //nolint:gosec // the ETag of COS
		f.ETag, f.SHA256 = hex.EncodeToString(md[:]), hex.EncodeToString(sha[:])
	}
}

// deliver hands an event to the API until it is accepted, and then now and then again.
func (g *generator) deliver(ctx context.Context, event []byte, n int) error {
	return g.signal(ctx, []int{n}, func() (int, []byte, error) {
		return g.phone.Call(ctx, http.MethodPost, "/v1/events/cos", event)
	})
}

// announce posts the order as a mini program does.
func (g *generator) announce(ctx context.Context, o *order) error {
	var (
		files []string
		lines []int
	)
	for _, f := range o.files {
		files, lines = append(files, f.Key), append(lines, f.N)
	}
	return g.signal(ctx, lines, func() (int, []byte, error) {
		return g.phone.Announce(ctx, o.id, o.owner, "b-"+o.id, files)
	})
}

// signal sends until it is accepted, and doubles what was.
func (g *generator) signal(ctx context.Context, lines []int, send func() (int, []byte, error)) error {
	once := func() error {
		status, body, err := send()
		if err != nil {
			return err
		}
		for _, n := range lines {
			if err := g.sent.answered(n, status); err != nil {
				return err
			}
		}
		if status/100 != 2 {
			return &devworld.StatusError{Status: status, Body: body}
		}
		return nil
	}
	if err := again(ctx, once); err != nil {
		return err
	}
	var eg errgroup.Group
	for range g.extra() {
		eg.Go(func() error { return again(ctx, once) })
	}
	return eg.Wait()
}

// extra is how often a signal comes once more.
func (g *generator) extra() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.doubles > 0:
		return g.doubles
	case g.rng.IntN(5) == 0:
		return 1 + g.rng.IntN(3)
	}
	return 0
}

// again calls fn until it succeeds or is refused for good, for five minutes at most.
func again(ctx context.Context, fn func() error) error {
	for end := time.Now().Add(5 * time.Minute); ; {
		err := fn()
		if err == nil {
			return nil
		}
		s, answered := errors.AsType[*devworld.StatusError](err)
		if answered && s.Status/100 == 4 && s.Status != http.StatusTooManyRequests || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// postbox keeps the bucket's events for whoever waits for them, and loses the others.
type postbox struct {
	mu   sync.Mutex
	wait map[string]chan []byte
}

// expect gives where the next event of a key arrives.
func (p *postbox) expect(key string) <-chan []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wait == nil {
		p.wait = map[string]chan []byte{}
	}
	c := make(chan []byte, 1)
	p.wait[key] = c
	return c
}

// put takes an event of the COS format (SCF 583/9707): its key is /appid/bucket/key.
func (p *postbox) put(event []byte) {
	var e struct {
		Records []struct {
			COS struct {
				Object struct {
					Key string `json:"key"`
				} `json:"cosObject"`
			} `json:"cos"`
		}
	}
	if err := json.Unmarshal(event, &e); err != nil || len(e.Records) == 0 {
		return
	}
	parts := strings.SplitN(e.Records[0].COS.Object.Key, "/", 4)
	p.mu.Lock()
	defer p.mu.Unlock()
	if c, ok := p.wait[parts[len(parts)-1]]; ok {
		delete(p.wait, parts[len(parts)-1])
		c <- event
	}
}

// absent announces an order with one name under which nothing lies.
func (g *generator) absent(ctx context.Context) error {
	g.mu.Lock()
	g.orders++
	o := &order{id: fmt.Sprintf("A%05d", g.orders), owner: "o000", door: byPhone, uploads: []int{0}}
	g.mu.Unlock()
	o.files = []file{{Sent: Sent{
		Order: o.id, Tenant: o.owner, Key: "users/o000/" + o.id + "/00.jpg", Kind: "absent", Expect: ExpectMissing,
	}}}
	return g.sendOrder(ctx, o)
}
