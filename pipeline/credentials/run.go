package credentials

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

const (
	maxOutput = 64 << 10 // bytes of standard output
	maxStderr = 8 << 10
	maxReason = 300 // characters of it in an error
)

// run gives what the program prints. The error has what it wrote to its standard error,
// without anything that may be a secret.
func (p *Process) run(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, p.opt.Timeout)
	defer cancel()
	out, said := &capped{most: maxOutput}, &capped{most: maxStderr}
	cmd := exec.CommandContext(ctx, p.opt.Command[0], p.opt.Command[1:]...) //nolint:gosec // running what the operator names is what it is for
	cmd.Env, cmd.Stdout, cmd.Stderr = p.environment(), out, said
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { return endGroup(cmd.Process) }
	cmd.WaitDelay = time.Second // for children that hold its output open
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("it did not end within %s", p.opt.Timeout)
	case err == nil && out.over:
		err = fmt.Errorf("it printed more than %d bytes", maxOutput)
	}
	if err == nil {
		return out.kept.Bytes(), nil
	}
	if reason := p.reason(said.kept.String(), out.kept.String()); reason != "" {
		err = fmt.Errorf("%w: %s", err, reason)
	}
	return nil, err
}

// environment is what the program gets of ours: nothing but what it takes to find other
// programs and a home, and what is named.
func (p *Process) environment() []string {
	env := []string{}
	for _, name := range append([]string{"PATH", "HOME"}, p.opt.Env...) {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// Words after which a secret may stand, and long words that may be one.
var (
	named   = regexp.MustCompile(`(?i)((?:secret|token|password|passwd|credential|authorization|signature|key)[a-z_-]*["']?\s*[:=]\s*)("[^"]*"|'[^']*'|\S+(?: \S{16,})?)`)
	letters = regexp.MustCompile(`[A-Za-z0-9+/=_-]{20,}`)
)

// reason is what the program said, short and without secrets: the values that it was
// given, what it printed, and whatever looks like one.
func (p *Process) reason(said, printed string) string {
	for _, name := range p.opt.Env {
		if value := os.Getenv(name); len(value) > 3 {
			said = strings.ReplaceAll(said, value, "***")
		}
	}
	for _, word := range letters.FindAllString(printed, -1) {
		said = strings.ReplaceAll(said, word, "***")
	}
	said = named.ReplaceAllString(said, "$1***")
	said = letters.ReplaceAllString(said, "***")
	said = strings.Join(strings.Fields(strings.ToValidUTF8(strings.Map(printable, said), "")), " ")
	if r := []rune(said); len(r) > maxReason {
		said = string(r[:maxReason]) + "…"
	}
	return said
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

// capped keeps the first bytes and takes the rest for nothing, so that the program is not
// held up.
type capped struct {
	kept bytes.Buffer // not embedded: it would be filled by its ReadFrom
	most int
	over bool
}

// Write implements io.Writer.
func (c *capped) Write(b []byte) (int, error) {
	room := min(len(b), c.most-c.kept.Len())
	c.over = c.over || room < len(b)
	c.kept.Write(b[:room])
	return len(b), nil
}

var errNoProcess = errors.New("the program has not begun")
