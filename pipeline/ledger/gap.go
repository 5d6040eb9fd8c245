package ledger

import (
	"context"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// GapKind is a way in which rows of the ledger contradict each other.
type GapKind string

// The kinds of gaps.
const (
	// GapStep is a step that the upload has to have and has not.
	GapStep GapKind = "step missing"
	// GapState is a step in a state that nobody knows.
	GapState GapKind = "unknown state"
	// GapUpload is a step, link or letter whose upload is not there.
	GapUpload GapKind = "upload missing"
	// GapLink is an attach without a link to its order.
	GapLink GapKind = "link missing"
	// GapMark is a done attach of an accepted file whose link says that it is not attached.
	GapMark GapKind = "not marked attached"
	// GapLetter is a dead step without an open letter.
	GapLetter GapKind = "letter missing"
	// GapDead is an open letter whose step is neither dead nor on its way again.
	GapDead GapKind = "letter without dead step"
)

// GapKinds lists the kinds of gaps.
func GapKinds() []GapKind {
	return []GapKind{GapUpload, GapStep, GapState, GapLink, GapMark, GapDead, GapLetter}
}

// Gap names a row that contradicts the others, or the place of one that is missing.
type Gap struct {
	UploadID string
	Step     pipeline.Step
	// Scope is the order for attach.
	Scope string
	// Key is the object key; empty where the upload is missing.
	Key string `bun:"object_key"`
}

// A settled check has taken up what follows from it in the same transaction.
const takenUp = `u.checked_at != 0 AND u.reason = ''
	AND EXISTS (SELECT 1 FROM upload_steps c WHERE c.upload_id = u.id AND c.step = 'check' AND c.state = 'done')`

const sameStep = `x.upload_id = d.upload_id AND x.step = d.step AND x.scope = d.scope`

// gapQuery gives upload_id, step and scope of each gap.
func gapQuery(kind GapKind) string {
	switch kind {
	case GapStep:
		return `SELECT u.id AS upload_id, 'check' AS step, '' AS scope FROM uploads u
			WHERE NOT EXISTS (SELECT 1 FROM upload_steps s WHERE s.upload_id = u.id AND s.step = 'check')
			UNION ALL SELECT u.id, n.step, '' FROM uploads u CROSS JOIN (SELECT 'thumbnail' AS step UNION ALL SELECT 'warm') n
			WHERE ` + takenUp + ` AND NOT EXISTS (SELECT 1 FROM upload_steps s WHERE s.upload_id = u.id AND s.step = n.step)
			UNION ALL SELECT u.id, 'attach', k.order_id FROM order_links k JOIN uploads u ON u.id = k.upload_id
			WHERE ` + takenUp + ` AND NOT EXISTS (SELECT 1 FROM upload_steps s
				WHERE s.upload_id = u.id AND s.step = 'attach' AND s.scope = k.order_id)
			UNION ALL SELECT u.id, 'notify', '' FROM uploads u WHERE ` + anyStep + ` AND NOT ` + someStep + `'pending')
			AND NOT EXISTS (SELECT 1 FROM upload_steps s WHERE s.upload_id = u.id AND s.step = 'notify' AND s.scope NOT LIKE '%/%')`
	case GapState:
		return `SELECT upload_id, step, scope FROM upload_steps
			WHERE state NOT IN ('pending', 'done', 'skipped', 'dead', 'discarded')`
	case GapUpload:
		return `SELECT x.upload_id, x.step, x.scope FROM (
			SELECT upload_id, step, scope FROM upload_steps
			UNION SELECT upload_id, 'attach', order_id FROM order_links
			UNION SELECT upload_id, step, scope FROM dead_letters WHERE upload_id != '') x
			WHERE NOT EXISTS (SELECT 1 FROM uploads u WHERE u.id = x.upload_id)`
	case GapLink:
		return `SELECT s.upload_id, s.step, s.scope FROM upload_steps s WHERE s.step = 'attach'
			AND NOT EXISTS (SELECT 1 FROM order_links k WHERE k.upload_id = s.upload_id AND k.order_id = s.scope)`
	case GapMark:
		return `SELECT s.upload_id, s.step, s.scope FROM upload_steps s
			JOIN order_links k ON k.upload_id = s.upload_id AND k.order_id = s.scope
			JOIN uploads u ON u.id = s.upload_id
			WHERE s.step = 'attach' AND s.state = 'done' AND NOT k.attached AND u.reason = ''`
	case GapLetter:
		return `SELECT d.upload_id, d.step, d.scope FROM upload_steps d WHERE d.state = 'dead'
			AND NOT EXISTS (SELECT 1 FROM dead_letters x WHERE ` + sameStep + ` AND x.state = 'open')`
	case GapDead:
		return `SELECT d.upload_id, d.step, d.scope FROM dead_letters d WHERE d.state = 'open' AND d.upload_id != ''
			AND NOT EXISTS (SELECT 1 FROM upload_steps x WHERE ` + sameStep + ` AND x.state = 'dead')
			AND NOT EXISTS (SELECT 1 FROM upload_steps x WHERE x.upload_id = d.upload_id AND x.state = 'pending')`
	}
	return ""
}

// Gaps reads a page of the gaps of one kind, by upload, step and scope, from the one
// after the given gap. since is as for Books. It scans the ledger.
func (l *Ledger) Gaps(ctx context.Context, kind GapKind, since time.Time, after Gap, limit int) ([]Gap, error) {
	var gaps []Gap
	err := l.db.NewRaw(`SELECT g.upload_id, g.step, g.scope, COALESCE(o.object_key, '') AS object_key
		FROM (`+gapQuery(kind)+`) g LEFT JOIN uploads o ON o.id = g.upload_id
		WHERE (o.id IS NULL OR o.created_at >= ?) AND (g.upload_id, g.step, g.scope) > (?, ?, ?)
		ORDER BY g.upload_id, g.step, g.scope LIMIT ?`,
		int64(at(since)), after.UploadID, string(after.Step), after.Scope, limit).Scan(ctx, &gaps)
	return gaps, classed("gaps", err)
}
