package sqldbtest

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// server is a database server of the test process.
type server struct {
	name, hint string
	// find gives the path of the server's program.
	find func() (string, error)
	// account is whose rights it gets where the tests run as root.
	account string
	// prepare gives the commands that make the data folder.
	prepare func(program, dir string) [][]string
	// command starts it on a port.
	command func(program, dir string, port int) []string
	// driver and dsn open a database of it; where asks for its data folder.
	driver, where string
	dsn           func(port int, database string) string
	drop          string

	once sync.Once
	err  error
	port int
	made atomic.Int64
}

// ports is how many ports are tried: somebody else may take a free one before the server.
const ports = 10

// supervise runs a server until its own standard input ends, which it does when the test
// process ends in whatever way, and then removes the folder.
const supervise = `cd "$1" || exit 1
dir=$1
shift
( sh -c 'echo $$ >pid; exec "$@"' sh "$@" >log 2>&1; touch ended ) &
cat >/dev/null
kill -s QUIT "$(cat pid)" 2>/dev/null
wait
cd / && rm -rf "$dir"`

// ready starts the server where nobody has. Without its program the test is skipped, or fails
// when AFTERPUT_TEST_REQUIRE names it.
func (s *server) ready(t testing.TB) {
	t.Helper()
	program, err := s.find()
	if err != nil {
		if slices.Contains(strings.Split(os.Getenv("AFTERPUT_TEST_REQUIRE"), ","), s.name) {
			t.Fatalf("%v: %s", err, s.hint)
		}
		t.Skipf("%v: %s", err, s.hint)
	}
	s.once.Do(func() { s.err = s.start(program) })
	if s.err != nil {
		t.Fatal(s.err)
	}
}

// newName gives one that no other database of the server has.
func (s *server) newName() string { return "t" + strconv.FormatInt(s.made.Add(1), 10) }

// database makes a database of the test and gives its port and name.
func (s *server) database(t testing.TB, options string) (port int, name string) {
	t.Helper()
	s.ready(t)
	name = s.newName()
	ctx := context.WithoutCancel(t.Context())
	if err := s.exec(ctx, "CREATE DATABASE "+name+options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.exec(ctx, fmt.Sprintf(s.drop, name)); err != nil {
			t.Error(err)
		}
	})
	return s.port, name
}

// exec opens no pool that would outlive the test.
func (s *server) exec(ctx context.Context, statement string) error {
	db, err := sql.Open(s.driver, s.dsn(s.port, ""))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, statement)
	return err
}

func (s *server) start(program string) error {
	dir, err := os.MkdirTemp("", "afterput-"+s.name+"-")
	if err != nil {
		return err
	}
	attr, err := s.rights(dir)
	if err != nil {
		return err
	}
	ctx := context.Background()
	for _, args := range s.prepare(program, dir) {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // a test starts what it names
		cmd.Dir, cmd.SysProcAttr = dir, attr
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", args[0], err, out)
		}
	}
	for range ports {
		if s.port, err = freePort(ctx); err != nil {
			return err
		}
		if err = s.launch(ctx, program, dir, attr); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s does not start on any of %d ports: %w", s.name, ports, err)
}

// rights gives the folder to an unprivileged user where the tests run as root, which the
// servers refuse.
func (s *server) rights(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	u, err := user.Lookup(s.account)
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}},
		os.Chown(dir, int(uid), int(gid)) //nolint:gosec // they have 32 bits
}

// launch starts the server and waits until it answers.
func (s *server) launch(ctx context.Context, program, dir string, attr *syscall.SysProcAttr) error {
	_ = os.Remove(filepath.Join(dir, "ended"))
	in, hold, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	args := append([]string{"-c", supervise, "sh", dir}, s.command(program, dir, s.port)...)
	cmd := exec.CommandContext(ctx, "sh", args...) //nolint:gosec // a test starts what it names
	cmd.Stdin, cmd.SysProcAttr = in, attr
	if err := cmd.Start(); err != nil {
		return err
	}
	err = s.answers(ctx, dir)
	if err == nil {
		keep(hold)
		return nil
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log")) //nolint:gosec // our own folder
	_ = hold.Close()
	_ = cmd.Wait()
	return fmt.Errorf("%w: %s", err, log)
}

// answers waits until the server answers, for at most a minute.
func (s *server) answers(ctx context.Context, dir string) error {
	db, err := sql.Open(s.driver, s.dsn(s.port, ""))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(filepath.Join(dir, "ended")); err == nil {
			return fmt.Errorf("%s ended", s.name)
		}
		var at string
		if err = db.QueryRowContext(ctx, s.where).Scan(&at); err == nil {
			if filepath.Clean(at) != filepath.Join(dir, "data") {
				return fmt.Errorf("another %s answers on port %d", s.name, s.port)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// held keeps the pipes to the supervisors open until the process ends: a file that nobody
// refers to would be closed.
var held struct { //nolint:gochecknoglobals // one per test process by its nature
	sync.Mutex
	pipes []*os.File
}

func keep(f *os.File) {
	held.Lock()
	defer held.Unlock()
	held.pipes = append(held.pipes, f)
}

func freePort(ctx context.Context) (int, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = ln.Close() }()
	addr, ok := ln.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("listener on %v", ln.Addr())
	}
	return addr.Port, nil
}
