package reconcile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// ErrOtherPlan says that a checkpoint was written by a run with other flags.
var ErrOtherPlan = errors.New("the checkpoint belongs to a run with other flags: repeat those, or remove it")

const checkpointSchema = "afterput.reconcile.checkpoint.v1"

// Checkpoint is where a run stands. Everything up to After is settled.
type Checkpoint struct {
	Schema string `json:"schema"`
	Plan   Plan   `json:"plan"`
	// After is the last key, as bytes because JSON holds only UTF-8; Key shows it.
	After []byte `json:"after"`
	Key   string `json:"key"`
	// Report is what was counted so far.
	Report Report `json:"report"`
	// AskedAt is when the first of the runs was asked for: relative times count from there.
	AskedAt time.Time `json:"askedAt"`
	SavedAt time.Time `json:"savedAt"`
}

// ReadCheckpoint reads a checkpoint. It is nil where there is no file.
func ReadCheckpoint(path string) (*Checkpoint, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c := new(Checkpoint)
	if err := json.Unmarshal(raw, c); err != nil || c.Schema != checkpointSchema {
		return nil, fmt.Errorf("%s is no checkpoint of reconcile", path)
	}
	return c, nil
}

// fits tells whether the checkpoint is one of this plan.
func (c *Checkpoint) fits(p Plan) error {
	ours, err := json.Marshal(p)
	if err != nil {
		return err
	}
	theirs, err := json.Marshal(c.Plan)
	if err != nil {
		return err
	}
	if !bytes.Equal(ours, theirs) {
		return ErrOtherPlan
	}
	return nil
}

// write replaces the file at once: a crash leaves the old one or the new one.
func (c *Checkpoint) write(path string) (err error) {
	raw, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".reconcile-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(append(raw, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
