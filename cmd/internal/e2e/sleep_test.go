package e2e

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks/redistest"
)

// A worker that was stopped, as by a suspended machine, wakes after another one did its
// work: nothing that it still does may change what is done.
func TestE2ESleepingWorker(t *testing.T) {
	t.Parallel() // it waits most of the time, with the tests that kill workers
	w := newWorld(t, redistest.Start(t).URL)
	srv := w.serve()
	sleeper := w.run("worker")
	orders := w.plan(t, photos)
	finish := w.middle(orders)

	w.freeze(sleeper)
	began := time.Now()
	w.stillOpen()
	second := w.run("worker")
	finish()
	w.settled(t, orders, hang)
	t.Logf("%.1f s from the stop until everything was done", time.Since(began).Seconds())

	sleeper.signal(syscall.SIGCONT)
	sleeper.stop() // it ends in peace, with whatever it was at
	w.settled(t, orders, hang)
	w.judge(t, orders)
	w.judgeWebhooks(orders)
	second.stop()
	srv.stop()
}

// Rolling restarts under load charge nobody: no attempt fails, none is lost.
func TestE2ERollingRestarts(t *testing.T) {
	w := newWorld(t, redistest.Start(t).URL)
	srv := w.serve()
	worker := w.run("worker")
	orders := w.plan(t, photos)
	finish := w.middle(orders)
	for range 3 {
		next := w.run("worker")
		require.Eventually(t, func() bool { return strings.Contains(tail(next.log), "worker started") }, hang, 20*time.Millisecond)
		worker.stop()
		worker = next
	}
	finish()
	w.settled(t, orders, hang)
	w.judge(t, orders)
	w.judgeWebhooks(orders)
	for _, o := range orders {
		for _, key := range o.keys {
			tries, err := w.app.Ledger.Attempts(t.Context(), pipeline.UploadID(devworld.Bucket, key))
			require.NoError(t, err)
			for _, a := range tries {
				require.Contains(t, []pipeline.Class{"", pipeline.Interrupted, pipeline.Superseded}, a.Class, "%s %s: %s", key, a.Step, a.Error)
			}
		}
	}
	worker.stop()
	srv.stop()
}

// freeze stops a process outside of its transactions: one that is stopped inside holds
// SQLite's write lock as long as it sleeps, which is the price of one file.
func (w *world) freeze(p *process) {
	w.t.Helper()
	free := []func() bool{w.lockFree(w.cfg.Ledger.URL), w.lockFree(w.cfg.Orders.URL)}
	for deadline := time.Now().Add(30 * time.Second); ; {
		p.signal(syscall.SIGSTOP)
		require.Eventually(w.t, p.asleep, 10*time.Second, time.Millisecond, "the signal does not arrive")
		if free[0]() && free[1]() {
			return
		}
		p.signal(syscall.SIGCONT)
		require.True(w.t, time.Now().Before(deadline), "always inside of a transaction")
	}
}

// lockFree tells whether nobody holds the write lock of a database.
func (w *world) lockFree(url config.URL) func() bool {
	path, _ := strings.CutPrefix(url.Reveal(), "sqlite://")
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(20)")
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = db.Close() })
	return func() bool {
		tx, err := db.BeginTx(w.t.Context(), nil)
		return err == nil && tx.Rollback() == nil
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(s))
}

// asleep tells whether every thread has stopped: the signal returns before that, and a
// thread on another core may still begin a transaction.
func (p *process) asleep() bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
	require.NoError(p.t, err)
	require.NotEmpty(p.t, threads)
	for _, t := range threads {
		stat, err := os.ReadFile(t) // "pid (name) state ...", proc_pid_stat(5)
		_, rest, ok := strings.Cut(string(stat), ") ")
		if err != nil || !ok || !strings.HasPrefix(rest, "T") {
			return false
		}
	}
	return true
}
