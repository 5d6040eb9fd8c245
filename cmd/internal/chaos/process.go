package chaos

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a running afterput.
type Process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	err  error // how it ended; set before done is closed
	peak int64 // its largest resident set so far, in bytes
}

// launch starts a command of the binary with a log of its own.
func launch(ctx context.Context, log string, env []string, name string, args ...string) (*Process, error) {
	out, err := os.Create(log) //nolint:gosec // inside the run's folder
	if err != nil {
		return nil, err
	}
	p := &Process{log: log, done: make(chan struct{})}
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), name, args...) //nolint:gosec // what the battery was given
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = env, out, out
	if err := p.cmd.Start(); err != nil {
		_ = out.Close()
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		_ = out.Close()
		close(p.done)
	}()
	return p, nil
}

// PID is its process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Running tells whether it has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Kill ends it as kill -9 does.
func (p *Process) Kill() {
	p.measure()
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Signal sends a signal.
func (p *Process) Signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// Stop ends it as a service manager does. Not ending in time, or in peace, is an error.
func (p *Process) Stop() error {
	if !p.Running() {
		return nil
	}
	p.measure()
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-time.After(40 * time.Second):
		p.Kill()
		return fmt.Errorf("process %d did not end within 40 s of SIGTERM: see %s", p.PID(), p.log)
	}
	if p.err != nil {
		return fmt.Errorf("process %d ended with %w: see %s", p.PID(), p.err, p.log)
	}
	return nil
}

// Ended waits until it has ended by itself.
func (p *Process) Ended(ctx context.Context, within time.Duration) error {
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(within):
		return fmt.Errorf("process %d has not ended within %s: see %s", p.PID(), within, p.log)
	}
}

// Exit is the code that it ended with; -1 for a signal or while it runs.
func (p *Process) Exit() int {
	if p.Running() || p.cmd.ProcessState == nil {
		return -1
	}
	return p.cmd.ProcessState.ExitCode()
}

// said counts how often a text stands in its log.
func (p *Process) said(text string) int {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return 0
	}
	return bytes.Count(b, []byte(text))
}

// measure takes the peak of its memory, which the kernel forgets when it ends.
func (p *Process) measure() { p.peak = max(p.peak, p.memory("VmHWM")) }

// memory reads a line of its status in bytes, such as VmRSS; 0 where there is none.
func (p *Process) memory(field string) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10
		}
	}
	return 0
}

// until polls a condition.
func until(ctx context.Context, within time.Duration, what string, ok func() bool) error {
	end := time.Now().Add(within)
	for !ok() {
		if time.Now().After(end) {
			return fmt.Errorf("within %s not: %s", within, what)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}
