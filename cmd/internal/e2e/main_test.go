package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// binary builds afterput once, when the first test wants it. The race detector is left
// out: it makes pictures ten times slower, and the other tests have it.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "afterput")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, "github.com/afterput/afterput/cmd/afterput").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return path, nil
})

// scratch is the folder of the binary.
var scratch string

func TestMain(m *testing.M) { os.Exit(inScratch(m)) }

func inScratch(m *testing.M) int {
	var err error
	if scratch, err = os.MkdirTemp("", "afterput-e2e-"); err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	return m.Run()
}

// process is a running afterput.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	name string
	log  string
	done chan struct{}
	err  error // how it ended; set before done is closed
}

// start runs afterput in a folder until the test ends, or stop or kill.
func start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	return startWith(t, nil, dir, args...)
}

// startWith is start with something in the environment.
func startWith(t *testing.T, environ []string, dir string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: args[0], done: make(chan struct{})}
	out, err := os.CreateTemp(t.TempDir(), args[0]+"-*.log")
	require.NoError(t, err)
	p.log = out.Name()
	p.cmd = command(t, dir, args...)
	p.cmd.Env = append(p.cmd.Env, environ...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	require.NoError(t, p.cmd.Start())
	go func() {
		p.err = p.cmd.Wait()
		_ = out.Close()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("log of %s:\n%s", p.name, tail(p.log))
		}
	})
	return p
}

// command prepares afterput in a folder, without the settings of whoever runs the test.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	require.NoError(t, err)
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "AFTERPUT_") })
	return cmd
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	p.wait()
}

func (p *process) wait() { <-p.done }

// stop ends the process as a service manager does, and it has to be through in time
// and content.
func (p *process) stop() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-p.done:
		require.NoError(p.t, p.err, "%s after SIGTERM:\n%s", p.name, tail(p.log))
	case <-time.After(30 * time.Second):
		p.t.Fatalf("%s has not ended 30 s after SIGTERM:\n%s", p.name, tail(p.log))
	}
}

func tail(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if n := len(b) - 4<<10; n > 0 {
		return fmt.Sprintf("(%d bytes before)\n%s", n, b[n:])
	}
	return string(b)
}
