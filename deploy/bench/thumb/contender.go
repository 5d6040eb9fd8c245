package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// contender makes thumbnails of a file in a process of its own.
type contender struct {
	name string
	// command makes the thumbnails of file within boxes of sizes, repeat times.
	command func(o options, file string, sizes []int, out string, repeat int) []string
	env     []string
}

// ours is afterput, with two processors at most as on the other side: the garbage
// collector may have one.
var ours = contender{
	name: "afterput",
	command: func(o options, file string, sizes []int, out string, repeat int) []string {
		return []string{
			o.afterput, "thumb", file, "--sizes", join(sizes), "--out", out,
			"--repeat", strconv.Itoa(repeat), "-o", "json",
		}
	},
}

// sharp runs the script in one of its modes: perSize is a pipeline for each size, which is
// what most people write; tuned decodes once and makes the smaller ones from the largest.
func sharp(mode string) contender {
	return contender{
		name: "sharp " + mode,
		command: func(o options, file string, sizes []int, out string, repeat int) []string {
			return []string{"node", o.sharp, mode, file, join(sizes), out, strconv.Itoa(repeat)}
		},
		env: []string{"UV_THREADPOOL_SIZE=4", "VIPS_CONCURRENCY=1"},
	}
}

func join(sizes []int) string {
	var b strings.Builder
	for i, s := range sizes {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(s))
	}
	return b.String()
}

// sample is one process: CPU per image, and peak resident memory in bytes.
type sample struct {
	whole, warm time.Duration
	rss         int64
}

// report is what both sides print: CPU milliseconds of the process when an image was done,
// one figure per repeat.
type report struct {
	CPU []float64 `json:"cpuMillis"`
}

func (c contender) measure(ctx context.Context, o options, file string, sizes []int, repeat int) (sample, error) {
	out := filepath.Join(o.dir, "out", strings.ReplaceAll(c.name, " ", "-"))
	if err := os.MkdirAll(out, 0o750); err != nil {
		return sample{}, err
	}
	args := c.command(o, file, sizes, out, repeat)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), c.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	var r report
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil || len(r.CPU) != repeat {
		return sample{}, fmt.Errorf("%s: %d of %d figures: %w", args[0], len(r.CPU), repeat, err)
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return sample{}, fmt.Errorf("this system does not tell what a process used")
	}
	total := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	s := sample{whole: total / time.Duration(repeat), rss: int64(usage.Maxrss) << 10}
	if repeat > 1 {
		s.warm = time.Duration((r.CPU[repeat-1] - r.CPU[0]) / float64(repeat-1) * float64(time.Millisecond))
	}
	return s, nil
}
