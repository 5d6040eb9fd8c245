package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/tasks/redistest"
)

// What the page about a lost ledger tells is typed word for word, after every kind of
// loss: each upload that was sent before the backup, after it, in the middle of the loss
// and while nothing ran is done once and stands in its order, and the audit holds.
func TestE2ERunbookLedger(t *testing.T) {
	for name, lose := range map[string]func(r *restore){
		// Somebody deletes the ledger under processes that go on, and Redis loses its memory.
		"ledger deleted and Redis wiped": func(r *restore) {
			r.deleteLedger()
			require.NoError(r.t, r.redis.Client().FlushAll(r.t.Context()).Err())
			r.stop(syscall.SIGTERM)
		},
		// The disk of a machine that died comes back from a snapshot, under a Redis that is ahead.
		"ledger put back under a newer Redis": func(r *restore) {
			r.stop(syscall.SIGKILL)
			r.deleteLedger()
			backups, err := filepath.Glob(filepath.Join(r.backups, "*.db"))
			require.NoError(r.t, err)
			require.Len(r.t, backups, 1)
			older, err := os.ReadFile(backups[0])
			require.NoError(r.t, err)
			require.NoError(r.t, os.WriteFile(r.ledger, older, 0o600))
		},
		"no backup at all": func(r *restore) {
			r.stop(syscall.SIGKILL)
			r.deleteLedger()
			require.NoError(r.t, os.RemoveAll(r.backups))
			require.NoError(r.t, os.Mkdir(r.backups, 0o700))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it is waiting for events that nobody takes
			r := newRestore(t)
			r.uploads(lose)
			r.follow()
			r.judged()
		})
	}
}

// restore is one world that loses its ledger, and the page that brings it back.
type restore struct {
	*world
	redis *redistest.Server
	page  []section

	ledger, backups string
	running         []*process
	orders          []order
}

func newRestore(t *testing.T) *restore {
	t.Helper()
	redis := redistest.Start(t)
	r := &restore{world: newWorld(t, redis.URL), redis: redis, backups: filepath.Join(t.TempDir(), "back ups")}
	r.ledger, _ = strings.CutPrefix(r.cfg.Ledger.URL.Reveal(), "sqlite://")
	r.page = runbook(t, "ledger-restore.md", map[string]string{"LEDGER": r.ledger, "BACKUPS": r.backups, "REDIS": redis.URL, "SINCE": "1h"})
	// Five orders of four, chosen against the order of the names.
	r.orders = r.plan(t, 45)
	for i := range r.orders {
		o := &r.orders[i]
		o.keys, o.bodies = o.keys[:4], o.bodies[:4]
		slices.Reverse(o.keys)
	}
	return r
}

// upload puts photos of one order; their events announce them.
func (r *restore) upload(o order, from, to int) {
	r.t.Helper()
	for i := from; i < to; i++ {
		require.NoError(r.t, r.put(r.t.Context(), o.id, i, o.keys[i], o.bodies[i]))
	}
}

// uploads sends everything, and loses the ledger in between.
func (r *restore) uploads(lose func(*restore)) {
	r.t.Helper()
	before, halves, after, during, unheard := r.orders[0], r.orders[1], r.orders[2], r.orders[3], r.orders[4]
	r.start()
	require.NoError(r.t, r.send(r.t.Context(), []order{before}))
	r.settled(r.t, []order{before}, hang)
	r.upload(halves, 0, 2)
	r.typed("Back up") // in the middle of work
	r.upload(halves, 2, 4)
	r.upload(after, 0, 4)
	r.settled(r.t, []order{before, halves, after}, hang)

	r.upload(during, 0, 2)
	// The test's own connection would write into the file that takes this one's place.
	require.NoError(r.t, r.app.Close())
	lose(r)
	r.upload(during, 2, 4)
	r.upload(unheard, 0, 4) // nobody takes these events
	r.COS.FlushEvents()
}

func (r *restore) deleteLedger() {
	r.t.Helper()
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(r.ledger + end); !os.IsNotExist(err) {
			require.NoError(r.t, err)
		}
	}
}

// follow does what the page says from Stop on, in its order.
func (r *restore) follow() {
	r.t.Helper()
	at := slices.IndexFunc(r.page, func(s section) bool { return s.title == "Stop" })
	require.Positive(r.t, at)
	counted := false
	for _, s := range r.page[at:] {
		switch s.title {
		case "Stop":
			r.stop(syscall.SIGTERM)
		case "Start":
			r.start()
			r.client = connect(r.t, r.cfg)
			totals, err := r.app.Ledger.Totals(r.t.Context())
			require.NoError(r.t, err)
			require.Less(r.t, totals.Uploads, 20, "nothing was lost")
			if backups, _ := filepath.Glob(filepath.Join(r.backups, "*.db")); len(backups) > 0 {
				require.GreaterOrEqual(r.t, totals.Uploads, 4, "the backup holds what was settled before it")
			}
		case "Count":
			r.settled(r.t, r.orders, hang)
			r.typed(s.title)
			counted = true
		case "What does not come back":
			require.Empty(r.t, s.commands)
		default:
			r.typed(s.title)
		}
	}
	require.True(r.t, counted)
}

// typed runs the commands of a section in the shell that has the page's variables.
func (r *restore) typed(title string) {
	r.t.Helper()
	out, err := r.shell(r.t, commandsOf(r.t, r.page, "Set these first")+commandsOf(r.t, r.page, title))
	require.NoError(r.t, err, title)
	r.t.Logf("%s\n%s", title, out)
}

func (r *restore) start() {
	r.t.Helper()
	r.running = []*process{r.serve(), r.run("worker")}
}

// stop ends what runs. What a process says that lost its ledger does not matter.
func (r *restore) stop(sig syscall.Signal) {
	r.t.Helper()
	for _, p := range r.running {
		p.signal(sig)
	}
	for _, p := range r.running {
		select {
		case <-p.done:
		case <-time.After(hang):
			r.t.Fatalf("%s does not end:\n%s", p.name, tail(p.log))
		}
	}
	r.running = nil
}

// judged holds the world against what was sent.
func (r *restore) judged() {
	r.t.Helper()
	r.judge(r.t, r.orders)
	require.Equal(r.t, 20*len(r.cfg.Thumbnails.Presets), r.thumbnails())
	told := map[string]bool{}
	for _, d := range r.Hooks.Received() {
		require.Equal(r.t, "upload.done", d.Type, d.Outcome.Key)
		told[d.Outcome.Key] = true
	}
	require.Len(r.t, told, 20)
	r.stop(syscall.SIGTERM)
}
