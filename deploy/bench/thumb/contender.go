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
	"time"
)

// contender makes thumbnails of a file in a process of its own.
type contender struct {
	name string
	// command makes the thumbnails of file within boxes of sizes, repeat times.
	command func(o options, file string, sizes []int, out string, repeat int) []string
	// read takes from what it prints the milliseconds of CPU that an image takes, the
	// median of the repeats, and the most memory that the process had. The kernel's own
	// ru_maxrss counts the process that started it, too.
	read func(stdout []byte) (warm, peak float64, err error)
	// made names the thumbnail of a file.
	made func(out, file string, size int) string
	env  []string
}

var ours = contender{
	name: "afterput",
	command: func(o options, file string, sizes []int, out string, repeat int) []string {
		return []string{
			o.afterput, "thumb", file, "--sizes", join(sizes), "--out", out,
			"--repeat", strconv.Itoa(repeat), "--quiet", "-o", "json",
		}
	},
	read: func(stdout []byte) (float64, float64, error) {
		var r struct {
			Items []struct {
				CPU float64 `json:"cpuMs"`
			} `json:"items"`
			Peak float64 `json:"peakBytes"`
		}
		if err := json.Unmarshal(stdout, &r); err != nil || len(r.Items) != 1 {
			return 0, 0, fmt.Errorf("%d files measured: %w", len(r.Items), err)
		}
		return r.Items[0].CPU, r.Peak, nil
	},
	made: func(out, file string, size int) string {
		return filepath.Join(out, strconv.Itoa(size), filepath.Base(file)+".jpg")
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
		read: func(stdout []byte) (float64, float64, error) {
			// Milliseconds of the whole process when each image was done.
			var r struct {
				CPU  []float64 `json:"cpuMillis"`
				Peak float64   `json:"peakBytes"`
			}
			if err := json.Unmarshal(stdout, &r); err != nil || len(r.CPU) == 0 {
				return 0, 0, fmt.Errorf("%d images measured: %w", len(r.CPU), err)
			}
			if len(r.CPU) == 1 {
				return r.CPU[0], r.Peak, nil
			}
			each := make([]float64, 0, len(r.CPU)-1)
			for i := range len(r.CPU) - 1 {
				each = append(each, r.CPU[i+1]-r.CPU[i])
			}
			return median(each), r.Peak, nil
		},
		made: func(out, file string, size int) string {
			name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
			return filepath.Join(out, fmt.Sprintf("%s_%d.jpg", name, size))
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

func (c contender) out(o options) string {
	return filepath.Join(o.dir, "out", strings.ReplaceAll(c.name, " ", "-"))
}

func (c contender) measure(ctx context.Context, o options, file string, sizes []int, repeat int) (sample, error) {
	out := c.out(o)
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
	warm, peak, err := c.read(stdout.Bytes())
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", args[0], err)
	}
	total := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return sample{
		whole: total / time.Duration(repeat),
		warm:  time.Duration(warm * float64(time.Millisecond)),
		rss:   int64(peak),
	}, nil
}
