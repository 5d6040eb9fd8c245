package demo

import (
	"cmp"
	"crypto/md5" //nolint:gosec // COS gives MD5 as ETag; nothing is protected by it
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
)

// shot is one file that a phone uploads.
type shot struct {
	Sent
	body func() ([]byte, error)
}

// plan is everything that the demo sends.
type plan struct {
	shots  []shot
	orders []orderPlan
}

// orderPlan is one order and how its announcements fare.
type orderPlan struct {
	id, owner string
	// phone says that the phone's own announcement arrives; else the events have to do.
	phone bool
	// late says that the order does not exist before its letter was seen.
	late  bool
	shots []int
}

// perOrder is how many photos a mini program lets a user choose.
const perOrder = 9

// source gives the photos: files of a folder, or rendered ones.
func source(dir string, count int) ([]shot, error) {
	if dir == "" {
		return rendered(count), nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var shots []shot
	for _, e := range entries {
		if !e.Type().IsRegular() || (count > 0 && len(shots) == count) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		head, size, err := readHead(path)
		if err != nil {
			return nil, err
		}
		facts, _ := probe.Detect(head, size)
		if !strings.HasPrefix(facts.Type, "image/") && !strings.HasPrefix(facts.Type, "video/") {
			continue
		}
		shots = append(shots, shot{
			Sent: Sent{Name: e.Name()},
			body: func() ([]byte, error) { return os.ReadFile(path) }, //nolint:gosec // the user named the folder
		})
	}
	if len(shots) == 0 {
		return nil, fmt.Errorf("%s holds no photo or video", dir)
	}
	return shots, nil
}

func readHead(path string) ([]byte, int64, error) {
	f, err := os.Open(path) //nolint:gosec // the user named the folder
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	head := make([]byte, pipeline.ProbeBytes)
	n, err := f.Read(head)
	if err != nil && st.Size() > 0 {
		return nil, 0, err
	}
	return head[:n], st.Size(), nil
}

// rendered makes photo-like JPEGs: five of six as WeChat compresses them, the sixth of
// 12 megapixels with an orientation and a place.
func rendered(count int) []shot {
	if count <= 0 {
		count = 60
	}
	shots := make([]shot, 0, count)
	for i := range count {
		opt := samples.Options{Width: 1080, Height: 1920, Seed: uint64(i) + 1}
		if i%6 == 5 {
			opt.Width, opt.Height, opt.Orientation, opt.GPS = 4032, 3024, 1+i/6%8, true
		}
		shots = append(shots, shot{
			Sent: Sent{Name: fmt.Sprintf("IMG_%04d.jpg", i+1)},
			body: func() ([]byte, error) { return samples.Photo(opt), nil },
		})
	}
	return shots
}

// layOut deals the photos to orders of nine, adds the bad files, and decides what is
// lost on the way.
func layOut(photos []shot, seed uint64) *plan {
	p := &plan{}
	rng := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a demo needs the same dice each time
	for i := 0; i < len(photos); i += perOrder {
		n := i / perOrder
		o := orderPlan{id: fmt.Sprintf("A%03d", n+1), owner: fmt.Sprintf("oDemo%02d", n%3+1), phone: n%3 != 2}
		for k, s := range photos[i:min(i+perOrder, len(photos))] {
			s.Public = (i+k)%3 == 0
			p.add(&o, s, "")
		}
		p.orders = append(p.orders, o)
	}
	p.orders = append(p.orders, p.bad(), p.missing(), p.foreign())
	rng.Shuffle(len(p.shots), func(i, j int) { p.shots[i], p.shots[j] = p.shots[j], p.shots[i] })
	for i := range p.orders {
		p.orders[i].shots = nil
	}
	for i, s := range p.shots {
		for k := range p.orders {
			if p.orders[k].id == s.Order {
				p.orders[k].shots = append(p.orders[k].shots, i)
			}
		}
	}
	for _, o := range p.orders {
		slices.SortFunc(o.shots, func(a, b int) int { return cmp.Compare(p.shots[a].Position, p.shots[b].Position) })
	}
	return p
}

// add puts a shot at the end of an order. want is the code that rejects it, if any.
func (p *plan) add(o *orderPlan, s shot, want pipeline.Code) {
	s.Order, s.Owner, s.Position, s.Want = o.id, o.owner, len(o.shots), want
	s.Key = fmt.Sprintf("users/%s/%s/%s", o.owner, o.id, s.Name)
	o.shots = append(o.shots, len(p.shots))
	p.shots = append(p.shots, s)
}

func file(name string, body []byte) shot {
	return shot{Sent: Sent{Name: name}, body: func() ([]byte, error) { return body, nil }}
}

func photo(name string, seed uint64) shot {
	return shot{Sent: Sent{Name: name}, body: func() ([]byte, error) {
		return samples.Photo(samples.Options{Width: 1080, Height: 1920, Seed: seed}), nil
	}}
}

// bad is an order with the files that must be refused among good ones.
func (p *plan) bad() orderPlan {
	o := orderPlan{id: "BAD1", owner: "oDemo09", phone: true}
	p.add(&o, photo("good_1.jpg", 901), "")
	for _, b := range []struct {
		name string
		body []byte
		want pipeline.Code
	}{
		{"page.jpg", samples.HTML(), pipeline.CodeTypeNotAllowed},
		{"drawing.jpg", samples.SVG(), pipeline.CodeTypeNotAllowed},
		{"script.jpg", samples.Shell(), pipeline.CodeTypeNotAllowed},
		{"bomb.png", samples.PNGBomb(), pipeline.CodeTooManyPixels},
		{"empty.jpg", nil, pipeline.CodeEmptyFile},
		{"cut_small.jpg", samples.TruncatedJPEG(), pipeline.CodeCorruptFile},
		{"huge.jpg", samples.Padded(30 << 20), pipeline.CodeTooLarge},
		{"polyglot.jpg", samples.ZIPJPEG(), pipeline.CodePolyglot},
	} {
		p.add(&o, file(b.name, b.body), b.want)
	}
	p.add(&o, shot{Sent: Sent{Name: "cut_large.jpg"}, body: func() ([]byte, error) {
		whole := samples.Photo(samples.Options{Width: 4032, Height: 3024, Seed: 902})
		return whole[:len(whole)/2], nil
	}}, pipeline.CodeCorruptFile)
	p.add(&o, file("clip.mp4", samples.MP4(1080, 1920)), "")
	p.add(&o, photo("good_2.jpg", 903), "")
	return o
}

// missing is an order that does not exist when its files arrive.
func (p *plan) missing() orderPlan {
	o := orderPlan{id: "LATE1", owner: "oDemo08", phone: true, late: true}
	p.add(&o, photo("patient.jpg", 904), "")
	return o
}

// foreign is an order of somebody else.
func (p *plan) foreign() orderPlan {
	o := orderPlan{id: "FOREIGN1", owner: "oDemo07", phone: true}
	p.add(&o, photo("stray.jpg", 905), pipeline.CodeOwnerMismatch)
	return o
}

// ownerInShop is whom the shop's table says an order belongs to.
func (o orderPlan) ownerInShop() string {
	if o.id == "FOREIGN1" {
		return "oSomebodyElse"
	}
	return o.owner
}

func etagOf(body []byte) string {
	sum := md5.Sum(body) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}
