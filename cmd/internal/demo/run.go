package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/producer/replay"
)

// Options configure a run.
type Options struct {
	// Dir is the folder of the dev world and of sent.jsonl. Required; it should be empty.
	Dir string
	// Photos is a folder of photos; empty renders some.
	Photos string
	// Count is how many photos; 0 means 60 rendered ones, or all of the folder.
	Count int
	// Servers are used instead of the embedded world. What the demo makes there it removes
	// at its end.
	Servers Servers
	// Keep leaves what the demo made on servers, and a configuration with their passwords in
	// Dir, for whoever wants to look around. A report that does not hold is kept too.
	Keep bool
	// Say tells a person what goes on. Required.
	Say func(format string, args ...any)
	// Progress counts files; nil for none.
	Progress func(what string, done, total int)
	// Logger is the log of everything that runs. Required.
	Logger *slog.Logger
}

// waitingFor is the budget of class waiting in the demo, so that one can see a letter.
const waitingFor = 4 * time.Second

// quiet is how long the demo waits for everything to end.
const quiet = 3 * time.Minute

// Run does the whole job and gives the report. The error says why it could not be done;
// a job that was done wrong is a report that does not hold.
func Run(ctx context.Context, opt Options) (*Report, error) {
	began := time.Now()
	photos, err := source(opt.Photos, opt.Count)
	if err != nil {
		return nil, err
	}
	g, err := visit(opt.Servers)
	if err != nil {
		return nil, err
	}
	defer g.close()
	if err := g.claim(ctx, mark(opt)); err != nil {
		return nil, err
	}
	rep := &Report{Dir: opt.Dir}
	err = play(ctx, opt, g, layOut(photos, 1), rep)
	rep.Seconds = time.Since(began).Seconds()
	rep.settle()
	if opt.Servers.Used() && (opt.Keep || err == nil && !rep.Holds) {
		opt.Say("kept: %s; remove it by: afterput demo --clean", g.where())
	} else if cleaned := g.clean(ctx); cleaned != nil {
		err = errors.Join(err, cleaned)
	}
	if err != nil {
		return nil, err
	}
	return rep, nil
}

// mark says whose room something is.
func mark(opt Options) string {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	dir := opt.Dir
	if len(dir) > 80 {
		dir = "..." + dir[len(dir)-77:]
	}
	return fmt.Sprintf("the demo in %+q on %s since %s", dir, host, time.Now().UTC().Format(time.DateTime))
}

// play runs a world, plays the plan in it and ends it.
func play(ctx context.Context, opt Options, g *guest, pl *plan, rep *Report) error {
	w, err := begin(ctx, opt, g)
	if err != nil {
		return err
	}
	defer w.end()
	return w.live(ctx, pl, rep)
}

// Verify judges a demo that has ended by what lies in its folder. What lived in Redis
// and in the receiver of webhooks is gone and not counted.
func Verify(ctx context.Context, opt Options) (*Report, error) {
	began := time.Now()
	sent, err := readSent(filepath.Join(opt.Dir, SentFile))
	if err != nil {
		return nil, fmt.Errorf("%w: --verify wants the --dir of a demo that ran", err)
	}
	g, err := visit(Servers{Database: opt.Servers.Database}) // nothing in Redis is judged
	if err != nil {
		return nil, err
	}
	if g.room != nil {
		if _, made, err := g.room.look(ctx); err != nil || made == "" {
			return nil, cmp.Or(err, fmt.Errorf("%s holds no demo: --verify wants one that ran with --keep", g.room.name))
		}
	}
	opt.Servers.Redis = config.Redis{}
	world, app, err := open(ctx, opt, g)
	if err != nil {
		return nil, err
	}
	defer world.Close()
	defer func() { _ = app.Close() }()
	rep := &Report{Dir: opt.Dir}
	j := &judge{app: app, rep: rep}
	if err := j.check(ctx, sent); err != nil {
		return nil, err
	}
	rep.Seconds = time.Since(began).Seconds()
	rep.settle()
	return rep, nil
}

// stage is a world with serve and worker running in it.
type stage struct {
	opt    Options
	world  *devworld.World
	app    *wire.App
	phones *phones
	ends   []func()
}

func open(ctx context.Context, opt Options, g *guest) (*devworld.World, *wire.App, error) {
	world, err := devworld.Start(ctx, devworld.Options{
		Dir: opt.Dir, Listen: "127.0.0.1:0", Logger: opt.Logger,
		RedisURL: opt.Servers.Redis.URL.Reveal(), LedgerURL: g.database(), OrdersURL: g.database(),
		NoFile: opt.Servers.Used() && !opt.Keep,
		Tune: func(c *config.Config) {
			c.Retry.WaitingFor, c.Sweep.Every = waitingFor, 2*time.Second
			if g.line != nil {
				c.Redis = opt.Servers.Redis
			}
		},
	})
	if err != nil {
		return nil, nil, err
	}
	app, err := wire.Open(ctx, world.Config, opt.Logger)
	if err != nil {
		world.Close()
		return nil, nil, err
	}
	return world, app, nil
}

func begin(ctx context.Context, opt Options, g *guest) (*stage, error) {
	sent, err := prepare(opt.Dir)
	if err != nil {
		return nil, err
	}
	s := &stage{opt: opt}
	s.ends = append(s.ends, func() { _ = sent.f.Close() })
	if s.world, s.app, err = open(ctx, opt, g); err != nil {
		s.end()
		return nil, err
	}
	s.ends = append(s.ends, s.world.Close, func() { _ = s.app.Close() })
	h, err := s.app.Handler()
	if err != nil {
		s.end()
		return nil, err
	}
	srv := wire.Server(h)
	served := make(chan struct{})
	go func() { defer close(served); _ = srv.Serve(s.world.Listener) }()
	s.ends = append(s.ends, func() { _ = srv.Close(); <-served })
	wk, err := s.app.Worker(ctx, nil)
	if err == nil {
		err = wk.Start(ctx)
	}
	if err != nil {
		s.end()
		return nil, err
	}
	s.ends = append(s.ends, wk.Shutdown)
	phone := s.world.Phone()
	phone.Client = &http.Client{Timeout: time.Minute}
	s.ends = append(s.ends, phone.Client.CloseIdleConnections)
	s.phones = &phones{
		world: s.world, sent: sent, phone: phone,
		progress: func(done, total int) {
			if opt.Progress != nil {
				opt.Progress("uploaded", done, total)
			}
		},
	}
	return s, nil
}

func (s *stage) end() {
	for _, end := range slices.Backward(s.ends) {
		end()
	}
}

// live plays the plan and judges what came of it.
func (s *stage) live(ctx context.Context, pl *plan, rep *Report) error {
	if err := s.createOrders(ctx, pl, false); err != nil {
		return err
	}
	s.opt.Say("%d files for %d orders; API %s, COS %s", len(pl.shots), len(pl.orders), s.world.URL(), s.world.COSURL())
	if err := s.phones.upload(ctx, pl); err != nil {
		return err
	}
	if err := s.phones.announce(ctx, pl); err != nil {
		return err
	}
	door, err := s.phones.knock(ctx)
	if err != nil {
		return err
	}
	if rep.Unreadable, err = s.phones.unreadable(ctx); err != nil {
		return err
	}
	s.world.COS.FlushEvents()
	if err := s.settled(ctx); err != nil {
		return err
	}
	if err := s.letter(ctx, pl, rep); err != nil {
		return err
	}
	return s.judge(ctx, pl, door, rep)
}

func (s *stage) judge(ctx context.Context, pl *plan, door []Rejection, rep *Report) error {
	sent, err := readSent(filepath.Join(s.opt.Dir, SentFile))
	if err != nil {
		return err
	}
	j := &judge{app: s.app, rep: rep, door: map[string]pipeline.Code{}}
	for _, d := range door {
		j.door[d.Key] = d.Code
	}
	if err := errors.Join(j.check(ctx, sent), j.urls(ctx, sent), j.webhooks(ctx, sent, s.world.Hooks.Received())); err != nil {
		return err
	}
	rep.Rejections = append(rep.Rejections, door...)
	totals, err := s.app.Ledger.Totals(ctx)
	if err != nil {
		return err
	}
	rep.Retries = totals.Retries
	faults := s.world.COS.Faults()
	rep.Disturbed = map[string]int{"event-double": faults.Fired("event-double"), "event-reorder": faults.Fired("event-reorder")}
	for _, o := range pl.orders {
		rep.Disturbed["event-lose"] += faults.Fired("lose-" + o.id)
	}
	if n := s.world.Hooks.Forged(); n > 0 {
		j.problem("%d webhooks had a wrong signature", n)
	}
	return nil
}

// createOrders is the shop's side: it makes the orders that files will be written into.
func (s *stage) createOrders(ctx context.Context, pl *plan, late bool) error {
	db, err := sqldb.Open(ctx, s.app.Config.Orders.URL.Reveal())
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, o := range pl.orders {
			if o.late != late {
				continue
			}
			if _, err := tx.NewRaw("INSERT INTO orders (id, openid) VALUES (?, ?)", o.id, o.ownerInShop()).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// settled waits until no step is pending.
func (s *stage) settled(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, quiet)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	most := 0
	for {
		totals, err := s.app.Ledger.Totals(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err == nil {
			if totals.Pending == 0 {
				return nil
			}
			most = max(most, totals.Pending)
			if s.opt.Progress != nil {
				s.opt.Progress("steps ended", most-totals.Pending, most)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d steps are still pending after %s: %w", totals.Pending, quiet, ctx.Err())
		case <-tick.C:
		}
	}
}

// letter shows the letter of the order that does not exist, creates the order, replays
// the letter and waits for its success.
func (s *stage) letter(ctx context.Context, pl *plan, rep *Report) error {
	letters, err := s.app.Ledger.Letters(ctx, ledger.LetterFilter{State: pipeline.LetterOpen})
	if err != nil {
		return err
	}
	if len(letters) != 1 {
		var what []string
		for _, l := range letters {
			what = append(what, fmt.Sprintf("%s %s: %s", l.Step, l.Key, l.Error))
		}
		rep.Problems = append(rep.Problems, fmt.Sprintf("%d open letters, want the one of the order that does not exist: %s",
			len(letters), strings.Join(what, "; ")))
		return nil
	}
	l := letters[0]
	s.opt.Say("letter %d: %s of %s died: %s", l.ID, l.Step, l.Key, l.Error)
	s.opt.Say("creating the order and replaying the letter")
	if err := s.createOrders(ctx, pl, true); err != nil {
		return err
	}
	if _, err := replay.Letter(ctx, s.app.Ledger, s.app.Queue, l.ID, "demo", "the order exists now"); err != nil {
		return err
	}
	if err := s.settled(ctx); err != nil {
		return err
	}
	after, err := s.app.Ledger.Letter(ctx, l.ID)
	if err != nil {
		return err
	}
	rep.Letter = &LetterReport{
		ID: l.ID, Step: l.Step, Class: l.Class, Error: l.Error, State: after.State, WaitingFor: waitingFor.String(),
	}
	if after.State != pipeline.LetterResolved {
		rep.Problems = append(rep.Problems, fmt.Sprintf("letter %d is %s after its replay", l.ID, after.State))
	}
	return nil
}
