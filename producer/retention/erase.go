package retention

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"slices"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// Objects deletes objects; one that is not there is no error.
type Objects interface {
	Delete(ctx context.Context, bucket, key string) error
}

// URLs forgets cached URLs; unknown ones are no error.
type URLs interface {
	Delete(ctx context.Context, fileIDs ...string) error
}

// Eraser removes what is known of an owner.
type Eraser struct {
	// Ledger, Objects and URLs are where it removes. Required.
	Ledger  *ledger.Ledger
	Objects Objects
	URLs    URLs
	// Orders is where entries are taken out; nil leaves them.
	Orders pipeline.OrderStore
	// Thumbnails gives the rules by which thumbnails of a bucket are named; nil: only those
	// that the ledger knows are deleted.
	Thumbnails func(bucket string) pipeline.ThumbnailOptions
	// Originals removes the uploaded objects as well.
	Originals bool
}

// Erased counts what was removed.
type Erased struct {
	Uploads int `json:"uploads"`
	Entries int `json:"entries"`
	// InFlight counts uploads that stay because they are in flight, or an attach to one of
	// their orders is.
	InFlight int `json:"inFlight"`
}

// OwnerMark stands for an owner in the audit trail, which must not keep the name: 16 hex
// digits of its SHA-256.
func OwnerMark(owner string) string {
	sum := sha256.Sum256([]byte(owner))
	return hex.EncodeToString(sum[:8])
}

// Erase removes the uploads of an owner one by one: first what lies outside, then the
// rows. One that was cut off is continued by the next, and nothing is an error twice.
func (e *Eraser) Erase(ctx context.Context, owner, who, note string) (Erased, error) {
	var done Erased
	if owner == "" {
		return done, errors.New("erase: no owner")
	}
	op := ledger.Operation{Who: who, What: "erase", Filter: "owner sha256:" + OwnerMark(owner), Note: note}
	id, err := e.Ledger.Record(ctx, op)
	if err != nil {
		return done, err
	}
	err = e.each(ctx, owner, &done)
	counts, merr := json.Marshal(done)
	if merr != nil {
		return done, merr
	}
	op.ID, op.Counts = id, string(counts)
	if _, rerr := e.Ledger.Record(context.WithoutCancel(ctx), op); err == nil {
		err = rerr
	}
	return done, err
}

func (e *Eraser) each(ctx context.Context, owner string, done *Erased) error {
	const perPage = 100
	after := ""
	for {
		uploads, err := e.Ledger.OwnerUploads(ctx, owner, after, perPage)
		if err != nil {
			return err
		}
		for _, u := range uploads {
			after = u.ID
			err := e.upload(ctx, u, done)
			switch {
			case pipeline.ClassOf(err) == pipeline.Conflict:
				done.InFlight++
			case err != nil:
				return err
			default:
				done.Uploads++
			}
		}
		if len(uploads) < perPage {
			return e.signed(ctx, owner)
		}
	}
}

// signed forgets the keys that were signed for the owner, used or not.
func (e *Eraser) signed(ctx context.Context, owner string) error {
	for {
		n, err := e.Ledger.EraseSigned(ctx, owner, page)
		if err != nil || n < page {
			return err
		}
	}
}

func (e *Eraser) upload(ctx context.Context, u pipeline.Upload, done *Erased) error {
	keys, err := e.thumbnails(ctx, u)
	if err != nil {
		return err
	}
	links, err := e.Ledger.Links(ctx, u.ID)
	if err != nil {
		return err
	}
	for _, k := range links {
		if err := e.order(ctx, k.Order, u.FileID, done); err != nil {
			return err
		}
	}
	if e.Originals {
		keys = append(keys, u.Key)
	}
	for _, key := range keys {
		if err := e.Objects.Delete(ctx, u.Bucket, key); err != nil {
			return err
		}
	}
	if err := e.URLs.Delete(ctx, u.FileID); err != nil {
		return err
	}
	return e.Ledger.Erase(ctx, u.ID)
}

// thumbnails are the names that thumbnails of the upload may have. One in flight is an
// error of class Conflict.
func (e *Eraser) thumbnails(ctx context.Context, u pipeline.Upload) ([]string, error) {
	steps, err := e.Ledger.Steps(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, s := range steps {
		if s.State == pipeline.Pending {
			return nil, pipeline.Errorf(pipeline.Conflict, "erase", u.Key, "the upload is in flight")
		}
		var made pipeline.ThumbnailResult
		if s.Step == pipeline.StepThumbnail && len(s.Result) > 0 && json.Unmarshal(s.Result, &made) == nil {
			for _, t := range made.Thumbnails {
				keys = append(keys, t.Key)
			}
		}
	}
	if e.Thumbnails == nil {
		return keys, nil
	}
	rules := e.Thumbnails(u.Bucket)
	for _, p := range rules.Presets {
		if key := rules.Key(p.Name, u.Key); !slices.Contains(keys, key) && len((&url.URL{Path: key}).EscapedPath()) <= pipeline.MaxNameBytes {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// order forgets the file in the ledger's memory of the order and takes it out of the
// order where that is wanted, as an attach would: holding the order, by compare-and-set.
func (e *Eraser) order(ctx context.Context, order, fileID string, done *Erased) (err error) {
	holder := "erase:" + pipeline.OrderHash(fileID)
	st, err := e.Ledger.LockOrder(ctx, order, holder)
	if err != nil {
		return err
	}
	defer func() {
		if uerr := e.Ledger.UnlockOrder(context.WithoutCancel(ctx), order, holder); err == nil {
			err = uerr
		}
	}()
	if st.Intent != nil {
		return pipeline.Errorf(pipeline.Conflict, "erase", order, "an attach to the order has not ended")
	}
	if e.Orders != nil {
		o, err := e.Orders.ReadOrder(ctx, order)
		if err != nil && pipeline.ClassOf(err) != pipeline.Waiting {
			return err
		}
		if rest := without(o.Images, fileID); err == nil && len(rest) < len(o.Images) {
			if err := e.Orders.WriteImages(ctx, o, rest); err != nil && !errors.Is(err, pipeline.ErrNotAsAsked) {
				return err
			}
			done.Entries++
		}
	}
	_, err = e.Ledger.CommitOrder(ctx, order, holder, pipeline.OrderCommit{Last: without(st.Last, fileID)})
	return err
}

func without(list []string, entry string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == entry })
}
