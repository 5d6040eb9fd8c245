package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline/probe/samples"
)

func resourceRows() []Row {
	return []Row{
		{ID: "16", Name: "the disk of the ledger is full", Files: 150, Ledgers: []string{SQLite}, Prepare: smallDisk, Break: fullDisk},
		{ID: "17", Name: "twelve photos of 48 MP in a cgroup of 256 MiB", Files: 12, Tune: tightMemory, Break: littleMemory},
		{ID: "17m", Name: "images of all kinds, 108 MP among them, ten at a time, with a pixel budget of 64 MiB", Files: 60, Tune: manyAtATime, Break: mixedImages},
		{ID: "18", Name: "no file descriptors left for 15 s", Files: 150, Break: noDescriptors},
		{ID: "19", Name: "clocks of workers and producers 15 s to 10 min off", Files: 120, Break: wrongClocks},
	}
}

// smallDisk puts the ledger on a file system of 24 MiB.
func smallDisk(_ context.Context, b *Bench) error {
	dir := filepath.Join(b.Dir, "disk")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		return fmt.Errorf("mount a file system, which needs root: %w", err)
	}
	b.closers = append(b.closers, func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	b.ledgerURL = "sqlite://" + filepath.Join(dir, "ledger.db")
	return nil
}

// fullDisk fills the ledger's disk for a while: announcements are refused with 503 and
// sent again, workers hold what they have.
func fullDisk(ctx context.Context, b *Bench) error {
	return amid(func(ctx context.Context, b *Bench) error {
		filler := filepath.Join(b.Dir, "disk", "filler")
		f, err := os.Create(filler) //nolint:gosec // inside the run's folder
		if err != nil {
			return err
		}
		block := make([]byte, 4<<10)
		for err == nil {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return fmt.Errorf("%w: the disk is not full: %w", errPart, err)
		}
		_ = f.Close()
		phone := b.World.Phone()
		if err := until(ctx, 30*time.Second, "/readyz answers 503", func() bool {
			status, _, err := phone.Call(ctx, http.MethodGet, "/readyz", nil)
			return err == nil && status == http.StatusServiceUnavailable
		}); err != nil {
			return err
		}
		pause(ctx, 15*time.Second)
		said := 0
		for _, p := range b.procs {
			said += p.said("disk is full") + p.said("database or disk")
		}
		b.Fired("full", said)
		return os.Remove(filler)
	})(ctx, b)
}

func tightMemory(c *config.Config) {
	c.Thumbnails.PixelBudget = 100 << 20
	c.Check.MaxImageBytes = 64 << 20
}

// littleMemory decodes large photos where there is room for one at a time.
func littleMemory(ctx context.Context, b *Bench) error {
	group, err := memoryGroup(256 << 20)
	if err != nil {
		return err
	}
	b.closers = append(b.closers, func() { _ = os.Remove(group) })
	if _, err := b.Serve(ctx, ""); err != nil {
		return err
	}
	large := samples.Photo(samples.Options{Width: 8000, Height: 6000, Seed: 9})
	worker, err := b.Worker(ctx, "")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(worker.PID())), 0o600); err != nil {
		return err
	}
	if err := b.gen.photos(ctx, b.Files, large); err != nil {
		return err
	}
	b.Fired("48 MP", b.Files)
	if err := until(ctx, 10*time.Minute, "all are done", func() bool {
		open, err := b.open(ctx)
		return !worker.Running() || err == nil && open == 0
	}); err != nil {
		return err
	}
	if !worker.Running() {
		return fmt.Errorf("the worker was killed: see %s", worker.log)
	}
	b.Mended()
	return nil
}

// memoryGroup makes a control group with a limit; version 1 or 2 of cgroups(7).
func memoryGroup(limit int64) (dir string, err error) {
	name := fmt.Sprintf("afterput-chaos-%d", os.Getpid())
	for _, v := range []struct{ root, file string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, {"/sys/fs/cgroup", "memory.max"},
	} {
		dir = filepath.Join(v.root, name)
		if err = os.Mkdir(dir, 0o750); err != nil {
			continue
		}
		if err = os.WriteFile(filepath.Join(dir, v.file), []byte(strconv.FormatInt(limit, 10)), 0o600); err == nil {
			return dir, nil
		}
		_ = os.Remove(dir)
	}
	return "", fmt.Errorf("limit the memory of a process, which needs root: %w", err)
}

// noDescriptors leaves the worker, and then serve, no file to open for a while.
func noDescriptors(ctx context.Context, b *Bench) error {
	worker, err := b.Both(ctx)
	if err != nil {
		return err
	}
	for _, p := range []*Process{worker, b.serve} {
		wait := b.Sending(ctx, b.Files/2)
		if err := b.Middle(ctx); err != nil {
			return err
		}
		open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.PID()))
		if err != nil {
			return err
		}
		var was unix.Rlimit
		if err := unix.Prlimit(p.PID(), unix.RLIMIT_NOFILE, nil, &was); err != nil {
			return err
		}
		tight := unix.Rlimit{Cur: uint64(len(open)), Max: was.Max} //nolint:gosec // a count
		if err := unix.Prlimit(p.PID(), unix.RLIMIT_NOFILE, &tight, nil); err != nil {
			return err
		}
		pause(ctx, 15*time.Second)
		if err := unix.Prlimit(p.PID(), unix.RLIMIT_NOFILE, &was, nil); err != nil {
			return err
		}
		b.Fired("limit", 1)
		b.Fired("refused", p.said("too many open files"))
		b.Mended()
		if err := wait(); err != nil {
			return err
		}
		if !p.Running() {
			return fmt.Errorf("the process ended: see %s", p.log)
		}
	}
	return nil
}

// wrongClocks runs workers whose clocks are a little off, sees that those which are far
// off refuse to start, and runs producers with any clock. Where the guard is blind, a
// worker that is 90 s ahead takes tasks from others that are at work.
func wrongClocks(ctx context.Context, b *Bench) error {
	if _, err := b.Serve(ctx, ""); err != nil {
		return err
	}
	for _, off := range []string{"-15s", "15s"} {
		worker, err := b.Worker(ctx, "clock="+off)
		if err != nil {
			return err
		}
		if err := b.Send(ctx, b.Files/6); err != nil {
			return err
		}
		if err := b.calm(ctx); err != nil {
			return fmt.Errorf("with a clock that is %s off: %w", off, err)
		}
		if err := worker.Stop(); err != nil {
			return err
		}
		b.Fired("worker "+off, 1)
	}
	for _, off := range []string{"-25s", "25s", "-90s", "90s", "-10m", "10m"} {
		worker, err := b.Worker(ctx, "clock="+off)
		if err != nil {
			return err
		}
		if err := worker.Ended(ctx, 30*time.Second); err != nil || worker.said("clock") == 0 {
			return fmt.Errorf("a worker that is %s off has not refused to start: %w: see %s", off, errors.Join(errPart, err), worker.log)
		}
		b.Fired("refused "+off, 1)
	}
	worker, err := b.Worker(ctx, "")
	if err != nil {
		return err
	}
	for _, off := range []string{"-10m", "-90s", "90s", "10m"} {
		if err := b.serve.Stop(); err != nil {
			return err
		}
		if _, err := b.Serve(ctx, "clock="+off); err != nil {
			return err
		}
		if err := b.Send(ctx, b.Files/8); err != nil {
			return err
		}
		b.Fired("producer "+off, 1)
	}
	b.Mended()
	if err := b.calm(ctx); err != nil {
		return err
	}
	return errors.Join(b.blindGuard(ctx), worker.Stop())
}

// blindGuard counts what happens without the guard.
func (b *Bench) blindGuard(ctx context.Context) error {
	f := b.World.COS.Faults()
	if err := f.Set(slowReads(8 * time.Second)); err != nil {
		return err
	}
	wait := b.Sending(ctx, 20)
	pause(ctx, time.Second)
	again, err := b.count(ctx, "SELECT COUNT(*) FROM attempts WHERE n > 1")
	if err != nil {
		return err
	}
	ahead, err := b.Worker(ctx, "leases=90s")
	if err != nil {
		return err
	}
	err = until(ctx, time.Minute, "a live task is run a second time by a worker that is 90 s ahead", func() bool {
		for _, q := range queues {
			ids, err := b.Redis.Client.ZRange(ctx, "asynq:{"+q+"}:retry", 0, -1).Result()
			if err == nil && len(ids) > 0 {
				return true
			}
		}
		n, err := b.count(ctx, "SELECT COUNT(*) FROM attempts WHERE n > 1")
		return err == nil && n > again
	})
	if err == nil {
		b.Fired("unguarded", 1)
	}
	f.Clear("slow")
	return errors.Join(err, wait(), ahead.Stop())
}
