package replay

import (
	"context"
	"fmt"

	"github.com/afterput/afterput/pipeline"
)

// Originals deletes the objects of discarded letters from their buckets.
type Originals struct {
	// Ledger and Objects are where it looks and deletes. Required.
	Ledger  Uploads
	Objects Objects
}

// Uploads is what Originals needs of the ledger.
type Uploads interface {
	Upload(ctx context.Context, id string) (pipeline.Upload, error)
	Steps(ctx context.Context, uploadID string) ([]pipeline.StepRecord, error)
	Links(ctx context.Context, uploadID string) ([]pipeline.Link, error)
}

// Objects is what Originals needs of the object store; deleting an object that is not
// there is no error.
type Objects interface {
	Head(ctx context.Context, bucket, key string) (pipeline.ObjectInfo, error)
	Delete(ctx context.Context, bucket, key string) error
}

// KeptError says why the object of a discarded letter stays in the bucket.
type KeptError struct{ Why string }

// Error says it in words.
func (e *KeptError) Error() string { return "the object stays in the bucket: " + e.Why }

// Delete deletes the object of a letter that was discarded. It stays, with a *KeptError,
// where somebody may still want it: an order holds it, another step of the upload is
// pending or dead, or newer content lies at its key.
func (o *Originals) Delete(ctx context.Context, letter pipeline.Letter) error {
	if letter.UploadID == "" {
		return &KeptError{"the letter names none"}
	}
	u, err := o.Ledger.Upload(ctx, letter.UploadID)
	if err != nil {
		return &KeptError{err.Error()}
	}
	if why, err := o.wanted(ctx, u); err != nil {
		return &KeptError{err.Error()}
	} else if why != "" {
		return &KeptError{why}
	}
	info, err := o.Objects.Head(ctx, u.Bucket, u.Key)
	switch {
	case err != nil && pipeline.ClassOf(err) == pipeline.Missing:
		return nil
	case err != nil:
		return &KeptError{err.Error()}
	case u.Content.ETag != "" && u.Content.ETag != info.ETag:
		return &KeptError{"newer content lies at its key"}
	}
	if err := o.Objects.Delete(ctx, u.Bucket, u.Key); err != nil {
		return &KeptError{err.Error()}
	}
	return nil
}

// wanted says who may still want the object; "" is nobody.
func (o *Originals) wanted(ctx context.Context, u pipeline.Upload) (string, error) {
	links, err := o.Ledger.Links(ctx, u.ID)
	if err != nil {
		return "", err
	}
	for _, k := range links {
		if k.Attached {
			return fmt.Sprintf("order %q holds it", k.Order), nil
		}
	}
	steps, err := o.Ledger.Steps(ctx, u.ID)
	if err != nil {
		return "", err
	}
	for _, s := range steps {
		// notify tells of the discard, and needs no object.
		if s.Step != pipeline.StepNotify && (s.State == pipeline.Pending || s.State == pipeline.Dead) {
			return fmt.Sprintf("its step %s is %s", s.Step, s.State), nil
		}
	}
	return "", nil
}
