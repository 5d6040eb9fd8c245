package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"
)

// OrderState is what the ledger knows of an order while an attach holds it.
type OrderState struct {
	// Links are all links of the order, oldest first.
	Links []Link
	// Last is the sequence of our entries as we left it; nil if we never wrote.
	Last []string
	// Intent is a write that may or may not have happened; nil if none is open.
	Intent *Intent
}

// Intent is recorded before an order is written, so that a crash in between can be
// resolved by reading the order back.
type Intent struct {
	// Before and After are ArrayHash of the array before and after the write.
	Before string `json:"before"`
	After  string `json:"after"`
	// Added are the fileIDs that the write adds.
	Added []string `json:"added,omitempty"`
	// Removed are the fileIDs that it withdraws.
	Removed []string `json:"removed,omitempty"`
	// Last is OrderState.Last after the write.
	Last []string `json:"last,omitempty"`
}

// OrderBook is the ledger's side of an attach: one holder per order at a time.
type OrderBook interface {
	// LockOrder takes the order for holder. A holder that vanished loses it after a
	// while. An order that another one holds is an error of class Conflict.
	LockOrder(ctx context.Context, order, holder string) (OrderState, error)
	// SaveIntent records what is about to be written.
	SaveIntent(ctx context.Context, order, holder string, in Intent) error
	// CommitOrder keeps what the order now holds. It clears the intent.
	CommitOrder(ctx context.Context, order, holder string, c OrderCommit) error
	// UnlockOrder gives the order back; not holding it is no error.
	UnlockOrder(ctx context.Context, order, holder string) error
}

// OrderCommit is what the ledger keeps of an order that an attach looked at.
type OrderCommit struct {
	// Last is the sequence of our entries, for OrderState.Last of the next attach.
	Last []string
	// Links are links with their marks Attached and Written; those that are left out stay
	// as they are.
	Links []Link
	// Now is what the order holds; nil where that is not known. Subscribers of
	// order.updated hear of it when it differs from what they heard last or, before that,
	// from what the order held before our first write. So a write is told although its
	// process died before it could say so.
	Now *OrderUpdate
}

// AttachOptions are the rules of attaching.
type AttachOptions struct {
	// Grace is how long a link without a position waits for one. Default none.
	Grace time.Duration
	// Gather is how long after its announcement a file that is not checked yet is waited for
	// by the attach of another file of its order, so that one write takes both. Default none.
	Gather time.Duration
	// KeepRejected tells of which files an entry of ours stays in the order when their
	// content is rejected later. Nil: of none.
	KeepRejected func(fileID string) bool
}

// AttachResult is what an attach leaves behind.
type AttachResult struct {
	Order string `json:"order"`
	// Index is the place of the fileID in the array; -1 where it is not in it.
	Index int `json:"index"`
}

// Attach converges one order: it reads the order's array, merges every link of the
// order that may be there, and writes the array by compare-and-set. u is the upload
// whose run it is; holder names the attempt.
func Attach(
	ctx context.Context, book OrderBook, store OrderStore, opt AttachOptions, at time.Time,
	order, holder string, u Upload,
) (StepResult, error) {
	st, err := book.LockOrder(ctx, order, holder)
	if err != nil {
		return StepResult{}, wrap(Transient, "attach.lock", order, err)
	}
	defer func() { _ = book.UnlockOrder(context.WithoutCancel(ctx), order, holder) }()
	if st, err = gather(ctx, book, opt, at, order, holder, st); err != nil {
		return StepResult{}, wrap(Transient, "attach.gather", order, err)
	}

	for again := false; ; again = true {
		res, in, err := converge(ctx, book, store, opt, at, order, holder, u, st)
		if again || in == nil || !errors.Is(err, ErrNotAsAsked) {
			return res, err
		}
		// What the store can do is done: what the order holds now is taken as arranged by others.
		st.Intent = nil
		st.take(in)
	}
}

// converge does one round of an attach: read, merge, write. The intent is what it began to
// write; nil where there was nothing to.
func converge(
	ctx context.Context, book OrderBook, store OrderStore, opt AttachOptions, at time.Time,
	order, holder string, u Upload, st OrderState,
) (StepResult, *Intent, error) {
	was, err := store.ReadOrder(ctx, order)
	if ClassOf(err) == Waiting && !u.Accepted() {
		return StepResult{State: Skipped, Detail: "the order does not exist and the file is not accepted"}, nil, nil
	}
	if err != nil {
		return StepResult{}, nil, wrap(Transient, "attach.read", order, err)
	}
	if resolveIntent(&st, was.Images) {
		// At once, because the intent of the write to come would take its place.
		if err := book.CommitOrder(ctx, order, holder, OrderCommit{Last: st.Last, Links: st.Links}); err != nil {
			return StepResult{}, nil, wrap(Transient, "attach.commit", order, err)
		}
	}

	a := admit(st.Links, was.Owner, opt, at)
	m := MergeOrder(was.Images, st.Last, a.links)
	var in *Intent
	if m.Changed {
		in = &Intent{
			Before: ArrayHash(was.Images), After: ArrayHash(m.Images), Last: m.Last,
			Added: missingFrom(was.Images, m.Images), Removed: missingFrom(m.Images, was.Images),
		}
		if err := write(ctx, book, store, order, holder, st, was, m.Images, *in); err != nil {
			return StepResult{}, in, err
		}
	}
	now := OrderUpdate{Order: order, Owner: was.Owner, FileIDs: m.Images}
	if err := book.CommitOrder(ctx, order, holder, OrderCommit{Last: m.Last, Links: m.Links, Now: &now}); err != nil {
		return StepResult{}, in, wrap(Transient, "attach.commit", order, err)
	}
	res, err := a.verdict(order, u, m.Images)
	return res, in, err
}

// write records what is about to be written, and writes it.
func write(
	ctx context.Context, book OrderBook, store OrderStore,
	order, holder string, st OrderState, was Order, images []string, in Intent,
) error {
	if err := book.SaveIntent(ctx, order, holder, in); err != nil {
		return wrap(Transient, "attach.intent", order, err)
	}
	err := store.WriteImages(ctx, was, images)
	if ClassOf(err) == Conflict && !errors.Is(err, ErrNotAsAsked) {
		// It certainly did not happen: the intent must not be taken for done later.
		if cerr := book.CommitOrder(ctx, order, holder, OrderCommit{Last: st.Last, Links: st.Links}); cerr != nil {
			return wrap(Transient, "attach.commit", order, cerr)
		}
	}
	if err != nil {
		return wrap(Transient, "attach.write", order, err)
	}
	return nil
}

// admission is which links may be merged now, and what becomes of the others.
type admission struct {
	links   []Link
	foreign map[string]bool          // uploads whose owner is not the order's
	waits   map[string]time.Duration // uploads that wait for a position
}

func admit(links []Link, owner string, opt AttachOptions, now time.Time) admission {
	a := admission{foreign: map[string]bool{}, waits: map[string]time.Duration{}}
	for _, l := range links {
		if owner != "" && l.Owner != "" && l.Owner != owner {
			a.foreign[l.UploadID] = true
			l.Live = false
		}
		if l.Attached && opt.KeepRejected != nil && opt.KeepRejected(l.FileID) {
			l.Live = true
		}
		if rest := l.CreatedAt.Add(opt.Grace).Sub(now); l.Live && !l.Attached && l.Position == nil && rest > 0 {
			a.waits[l.UploadID] = rest
			continue
		}
		a.links = append(a.links, l)
	}
	return a
}

func (a admission) verdict(order string, u Upload, images []string) (StepResult, error) {
	if rest, ok := a.waits[u.ID]; ok {
		return StepResult{}, &Error{
			Class: Waiting, Op: "attach.position", Key: order, RetryAfter: rest,
			Err: ruleError("the link has no position yet"),
		}
	}
	if a.foreign[u.ID] {
		return StepResult{State: Skipped, Code: CodeOwnerMismatch, Detail: "the order belongs to another owner"}, nil
	}
	res := AttachResult{Order: order, Index: slices.Index(images, u.FileID)}
	if !u.Accepted() {
		return StepResult{State: Skipped, Detail: "the file is not accepted", Result: res}, nil
	}
	return StepResult{State: Done, Result: res}, nil
}

// resolveIntent settles a write that an earlier holder may have done before it died, and
// says whether there is anything to keep. The array tells: unchanged, it was not done; as
// intended, it was; otherwise it was when any of the files it added is there or one that it
// withdrew is not. A holder that only stood still may write yet: the files that it would
// add are marked as ours, so that they can be withdrawn should they appear.
func resolveIntent(st *OrderState, images []string) bool {
	in := st.Intent
	if in == nil {
		return false
	}
	happened := ArrayHash(images) == in.After
	if ArrayHash(images) == in.Before && !happened {
		for i, l := range st.Links {
			st.Links[i].Written = l.Written || slices.Contains(in.Added, l.FileID)
		}
		return len(in.Added) > 0
	}
	for _, f := range in.Added {
		happened = happened || slices.Contains(images, f)
	}
	for _, f := range in.Removed {
		happened = happened || len(in.Added) == 0 && !slices.Contains(images, f)
	}
	if !happened {
		return false
	}
	st.take(in)
	return true
}

// take keeps what a write has done.
func (st *OrderState) take(in *Intent) {
	st.Last = in.Last
	for i, l := range st.Links {
		if slices.Contains(in.Added, l.FileID) {
			st.Links[i].Attached, st.Links[i].Written = true, true
		}
		if slices.Contains(in.Removed, l.FileID) {
			st.Links[i].Attached, st.Links[i].Written = false, false
		}
	}
}

// missingFrom gives the entries of list that others has not.
func missingFrom(others, list []string) []string {
	var out []string
	for _, f := range list {
		if !slices.Contains(others, f) {
			out = append(out, f)
		}
	}
	return out
}

// ArrayHash fingerprints an order's array: 32 hex digits.
func ArrayHash(images []string) string {
	sum := sha256.Sum256([]byte(strings.Join(images, "\x00")))
	return hex.EncodeToString(sum[:16])
}
