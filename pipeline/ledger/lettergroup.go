package ledger

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// LetterGroup is the letters that died of the same cause.
type LetterGroup struct {
	// Fingerprint names the group.
	Fingerprint string
	Class       pipeline.Class
	Step        pipeline.Step
	Count       int
	// Owners is how many owners it concerns; letters without an owner count for none.
	Owners int
	// First and Last are when the first and the last of them died.
	First, Last time.Time
	// Sample is the ID of the oldest letter, Error its error.
	Sample int64
	Error  string
}

// LetterGroups groups the letters that pass the filter, the largest group first; the
// filter's Limit is the number of groups, 0 means 100. SQL groups them; only with an
// expression they are read, page by page.
func (l *Ledger) LetterGroups(ctx context.Context, f LetterFilter) ([]LetterGroup, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	if f.Match != nil {
		return l.groupMatches(ctx, f)
	}
	var rows []struct {
		Fingerprint string `bun:"fingerprint"`
		Class       string `bun:"class"`
		Step        string `bun:"step"`
		N           int    `bun:"n"`
		Owners      int    `bun:"owners"`
		First       micros `bun:"first_died"`
		Last        micros `bun:"last_died"`
		Sample      int64  `bun:"sample"`
		Error       string `bun:"error"`
	}
	grouped := f.where(l.db.NewSelect().Model((*letterRow)(nil)).Join("LEFT JOIN uploads AS u ON u.id = d.upload_id").
		ColumnExpr("d.fingerprint, COUNT(*) AS n, COUNT(DISTINCT NULLIF(u.owner, '')) AS owners").
		ColumnExpr("MIN(d.died_at) AS first_died, MAX(d.died_at) AS last_died, MIN(d.id) AS sample").
		Group("d.fingerprint"))
	err := l.db.NewSelect().TableExpr("(?) AS g", grouped).Join("JOIN dead_letters AS s ON s.id = g.sample").
		ColumnExpr("g.*, s.class, s.step, s.error").OrderExpr("g.n DESC, g.sample").Limit(int64(f.Limit)).Scan(ctx, &rows)
	if err != nil {
		return nil, classed("letterGroups", err)
	}
	groups := make([]LetterGroup, 0, len(rows))
	for _, r := range rows {
		groups = append(groups, LetterGroup{
			Fingerprint: r.Fingerprint, Class: pipeline.Class(r.Class), Step: pipeline.Step(r.Step), Count: r.N,
			Owners: r.Owners, First: r.First.time(), Last: r.Last.time(), Sample: r.Sample, Error: r.Error,
		})
	}
	return groups, nil
}

func (l *Ledger) groupMatches(ctx context.Context, f LetterFilter) ([]LetterGroup, error) {
	limit := f.Limit
	f.Limit, f.Newest = matchPage, false
	by := map[string]*LetterGroup{}
	owners := map[[2]string]bool{}
	err := l.EachLetter(ctx, f, func(x pipeline.Letter) error {
		g := by[x.Fingerprint]
		if g == nil {
			g = &LetterGroup{
				Fingerprint: x.Fingerprint, Class: x.Class, Step: x.Step, First: x.DiedAt, Last: x.DiedAt, Sample: x.ID, Error: x.Error,
			}
			by[x.Fingerprint] = g
		}
		g.Count++
		if x.DiedAt.Before(g.First) {
			g.First = x.DiedAt
		}
		if x.DiedAt.After(g.Last) {
			g.Last = x.DiedAt
		}
		if who := [2]string{x.Fingerprint, x.Owner}; x.Owner != "" && !owners[who] {
			owners[who] = true
			g.Owners++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	groups := make([]LetterGroup, 0, len(by))
	for _, g := range slices.SortedFunc(maps.Values(by), func(a, b *LetterGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Sample, b.Sample))
	}) {
		groups = append(groups, *g)
	}
	return groups[:min(limit, len(groups))], nil
}
