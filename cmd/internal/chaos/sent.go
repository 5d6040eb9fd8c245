package chaos

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

// Expect is what must become of a file.
type Expect string

// What can be expected: of a photo, of a file that is no photo, of a name under which
// nothing was uploaded, and of an object that was deleted.
const (
	ExpectDone     Expect = "done"
	ExpectRejected Expect = "rejected"
	ExpectMissing  Expect = "missing"
	ExpectGone     Expect = "gone"
)

// Sent is a line of sent.jsonl: a file that is about to be sent. A file that is sent
// again with other bytes has another line, and the last one counts.
type Sent struct {
	N       int    `json:"n"`
	EventID string `json:"event_id"`
	Key     string `json:"key"`
	ETag    string `json:"etag,omitempty"`
	SHA256  string `json:"sha256,omitempty"`
	Order   string `json:"order"`
	// Slot is the place in the order that the user chose.
	Slot   int    `json:"slot"`
	Expect Expect `json:"expect"`
	// Tenant is the owner.
	Tenant string `json:"tenant"`
	Kind   string `json:"kind"`
	// Hue is the colour that its thumbnails must have; -1 for a real photo.
	Hue    int       `json:"hue"`
	SentAt time.Time `json:"sent_at"`
}

// Answer is the other kind of line: the door answered for the file of line N.
type Answer struct {
	Answer int `json:"answer"`
	Status int `json:"http_status"`
}

// record appends to sent.jsonl.
type record struct {
	mu   sync.Mutex
	f    *os.File
	n    int
	sent []Sent
	// accepted are the lines that were answered with 2xx.
	accepted map[int]bool
}

func newRecord(path string) (*record, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // inside the run's folder
	if err != nil {
		return nil, err
	}
	return &record{f: f, accepted: map[int]bool{}}, nil
}

// add writes a line and syncs it; only then may the file be sent.
func (r *record) add(s Sent) (Sent, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	s.N, s.EventID, s.SentAt = r.n, fmt.Sprintf("e%06d", r.n), time.Now().UTC()
	if err := r.line(s); err != nil {
		return s, err
	}
	r.sent = append(r.sent, s)
	return s, r.f.Sync()
}

// answered writes what the door said.
func (r *record) answered(n, status int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if status/100 == 2 {
		r.accepted[n] = true
	}
	return r.line(Answer{n, status})
}

func (r *record) line(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = r.f.Write(append(b, '\n'))
	return err
}

// ReadSent reads sent.jsonl: the files in the order of their lines, and which lines were
// accepted.
func ReadSent(path string) (sent []Sent, accepted map[int]bool, err error) {
	f, err := os.Open(path) //nolint:gosec // what the caller names
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }()
	accepted = map[int]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var l struct {
			Sent
			Answer
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		switch {
		case l.N > 0:
			sent = append(sent, l.Sent)
		case l.Status/100 == 2:
			accepted[l.Answer.Answer] = true
		}
	}
	return sent, accepted, lines.Err()
}
