package demo

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// SentFile is the name of the record of what was sent, inside the demo's folder.
const SentFile = "sent.jsonl"

// Sent is one line of sent.jsonl: a file that a phone sent, and what must become of it.
type Sent struct {
	N        int    `json:"n"`
	Name     string `json:"name"`
	Key      string `json:"key"`
	Order    string `json:"order,omitempty"`
	Owner    string `json:"owner,omitempty"`
	Position int    `json:"position"`
	ETag     string `json:"etag,omitempty"`
	Public   bool   `json:"public,omitempty"`
	// Want is the code that must reject it; empty for a file that must be done.
	Want pipeline.Code `json:"want,omitempty"`
	// Door says that it is refused when it is announced, before any object is looked at.
	Door   bool      `json:"door,omitempty"`
	SentAt time.Time `json:"sentAt"`
}

// recorder appends to sent.jsonl, synced before the send goes out.
type recorder struct {
	mu sync.Mutex
	f  *os.File
	n  int
}

func record(path string) (*recorder, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // inside the demo's folder
	if err != nil {
		return nil, fmt.Errorf("%w: choose an empty --dir", err)
	}
	return &recorder{f: f}, nil
}

func (r *recorder) add(s Sent) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	s.N, s.SentAt = r.n, time.Now().UTC()
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if _, err := r.f.Write(append(b, '\n')); err != nil {
		return err
	}
	return r.f.Sync()
}

// readSent reads sent.jsonl.
func readSent(path string) ([]Sent, error) {
	f, err := os.Open(path) //nolint:gosec // inside the demo's folder
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var all []Sent
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var s Sent
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return nil, fmt.Errorf("%s line %d: %w", path, len(all)+1, err)
		}
		all = append(all, s)
	}
	return all, lines.Err()
}

// prepare makes the demo's folder and opens sent.jsonl in it.
func prepare(dir string) (*recorder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return record(filepath.Join(dir, SentFile))
}
