package ledger

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// UploadsByID reads uploads by their IDs, in few queries; unknown ones are left out.
func (l *Ledger) UploadsByID(ctx context.Context, ids []string) (map[string]pipeline.Upload, error) {
	found := make(map[string]pipeline.Upload, len(ids))
	for part := range slices.Chunk(ids, 500) {
		var rows []uploadRow
		if err := l.db.NewSelect().Model(&rows).Where("u.id IN (?)", bun.List(part)).Scan(ctx); err != nil {
			return nil, classed("uploads", err)
		}
		for _, u := range uploadsOf(rows) {
			found[u.ID] = u
		}
	}
	return found, nil
}
