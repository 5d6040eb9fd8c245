package ledger

import (
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// LetterFilter narrows a list of letters. Zero fields narrow nothing; a list means any
// of its values, and a letter has to pass all fields.
type LetterFilter struct {
	// IDs are those of letters.
	IDs []int64
	// State is one state; "" for every state.
	State pipeline.LetterState
	// UploadID is one upload; "" for all.
	UploadID string
	// Groups are fingerprints.
	Groups []string
	// Steps and Classes are those of the last attempt.
	Steps   []pipeline.Step
	Classes []pipeline.Class
	// Match looks for an expression in the error. It is evaluated here, not in SQL.
	Match *regexp.Regexp
	// Order is the order of the letter or one that its upload belongs to.
	Order string
	// Owner and Prefix are the owner and the first letters of the key of the upload.
	Owner, Prefix string
	// Since and Until limit when it died: from Since on, before Until.
	Since, Until time.Time
	// MinAttempts is how many attempts it had at least.
	MinAttempts int
	// Newest lists from the highest ID down.
	Newest bool
	// After is the cursor: the ID of the last letter seen. To is the highest ID to list.
	After, To int64
	// Limit is the page size; 0 means 100.
	Limit int
}

// where adds the filter to a query over dead_letters d, joined with uploads u.
func (f *LetterFilter) where(q *bun.SelectQuery) *bun.SelectQuery {
	if len(f.IDs) > 0 {
		q = q.Where("d.id IN (?)", bun.List(f.IDs))
	}
	if len(f.Groups) > 0 {
		q = q.Where("d.fingerprint IN (?)", bun.List(f.Groups))
	}
	if len(f.Steps) > 0 {
		q = q.Where("d.step IN (?)", bun.List(f.Steps))
	}
	if len(f.Classes) > 0 {
		q = q.Where("d.class IN (?)", bun.List(f.Classes))
	}
	if f.Prefix != "" {
		// Not a range of keys: the letters are walked by ID, page by page.
		q = q.Where("SUBSTR(u.object_key, 1, LENGTH(?)) = ?", f.Prefix, f.Prefix)
	}
	if f.Order != "" {
		q = q.Where(`(d.scope = ? OR EXISTS (SELECT 1 FROM order_links k
			WHERE k.order_id = ? AND k.upload_id = d.upload_id))`, f.Order, f.Order)
	}
	for _, is := range []struct {
		set  bool
		cond string
		arg  any
	}{
		{f.After > 0 && !f.Newest, "d.id > ?", f.After},
		{f.After > 0 && f.Newest, "d.id < ?", f.After},
		{f.To > 0, "d.id <= ?", f.To},
		{f.State != "", "d.state = ?", string(f.State)},
		{f.UploadID != "", "d.upload_id = ?", f.UploadID},
		{f.Owner != "", "u.owner = ?", f.Owner},
		{!f.Since.IsZero(), "d.died_at >= ?", int64(at(f.Since))},
		{!f.Until.IsZero(), "d.died_at < ?", int64(at(f.Until))},
		{f.MinAttempts > 0, "d.attempts >= ?", f.MinAttempts},
	} {
		if is.set {
			q = q.Where(is.cond, is.arg)
		}
	}
	return q
}

// Letters lists a page of dead letters by ID, upwards or, with Newest, downwards. The
// next page is After the last ID.
func (l *Ledger) Letters(ctx context.Context, f LetterFilter) ([]pipeline.Letter, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	limit := f.Limit
	if f.Match != nil {
		f.Limit = max(limit, matchPage)
	}
	order := "d.id"
	if f.Newest {
		order = "d.id DESC"
	}
	var found []pipeline.Letter
	for {
		q := f.where(l.db.NewSelect().Model((*letterRow)(nil))).Order(order).Limit(int64(f.Limit))
		page, err := scanLetters(ctx, q)
		if err != nil {
			return nil, err
		}
		read := len(page)
		if read > 0 {
			f.After = page[read-1].ID
		}
		if f.Match != nil {
			page = slices.DeleteFunc(page, func(x pipeline.Letter) bool { return !f.Match.MatchString(x.Error) })
		}
		found = append(found, page...)
		if read < f.Limit || len(found) >= limit {
			return found[:min(limit, len(found))], nil
		}
	}
}

// matchPage is how many letters an expression is tried on at a time.
const matchPage = 500

// LetterSpan tells how many letters pass a filter, and where they end.
type LetterSpan struct {
	Count int
	// LastID is the highest ID, LastDied when the youngest of them died. A command that
	// works through many letters stops there: what dies while it runs is not meant.
	LastID   int64
	LastDied time.Time
}

// CountLetters counts the letters that pass the filter; its Limit does not matter. With
// an expression it reads them page by page, otherwise SQL counts.
func (l *Ledger) CountLetters(ctx context.Context, f LetterFilter) (LetterSpan, error) {
	if f.Match != nil {
		return l.countMatches(ctx, f)
	}
	var row struct {
		N    int    `bun:"n"`
		ID   int64  `bun:"last_id"`
		Died micros `bun:"last_died"`
	}
	q := l.db.NewSelect().Model((*letterRow)(nil)).Join("LEFT JOIN uploads AS u ON u.id = d.upload_id").
		ColumnExpr("COUNT(*) AS n, COALESCE(MAX(d.id), 0) AS last_id, COALESCE(MAX(d.died_at), 0) AS last_died")
	if err := f.where(q).Scan(ctx, &row); err != nil {
		return LetterSpan{}, classed("countLetters", err)
	}
	return LetterSpan{Count: row.N, LastID: row.ID, LastDied: row.Died.time()}, nil
}

func (l *Ledger) countMatches(ctx context.Context, f LetterFilter) (LetterSpan, error) {
	var span LetterSpan
	err := l.EachLetter(ctx, f, func(x pipeline.Letter) error {
		span.Count, span.LastID = span.Count+1, max(span.LastID, x.ID)
		if x.DiedAt.After(span.LastDied) {
			span.LastDied = x.DiedAt
		}
		return nil
	})
	return span, err
}

// EachLetter calls fn for every letter that passes the filter, in the order of Letters.
// It never holds more than a page of Limit letters, by default 100.
func (l *Ledger) EachLetter(ctx context.Context, f LetterFilter, fn func(pipeline.Letter) error) error {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	for {
		page, err := l.Letters(ctx, f)
		if err != nil {
			return err
		}
		for _, x := range page {
			if err := fn(x); err != nil {
				return err
			}
		}
		if len(page) < f.Limit {
			return nil
		}
		f.After = page[len(page)-1].ID
	}
}
