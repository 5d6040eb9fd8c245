package ledger

import (
	"context"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// Books are the counts of the ledger. Every field is counted by itself, none follows
// from the others, so that what does not add up shows.
type Books struct {
	// Announced counts the uploads.
	Announced int `json:"announced"`
	// The states of uploads, as pipeline.DeriveState defines them.
	Done      int `json:"done"`
	Rejected  int `json:"rejected"`
	Dead      int `json:"dead"`
	Discarded int `json:"discarded"`
	Gone      int `json:"gone"`
	InFlight  int `json:"inFlight"`
	// DeadSteps counts the steps that are dead, OpenLetters the open letters that stand
	// for one, RawLetters the open letters of tasks that nobody could read.
	DeadSteps   int `json:"deadSteps"`
	OpenLetters int `json:"openLetters"`
	RawLetters  int `json:"rawLetters"`
	// Steps are the same by step, in the order of an upload's life.
	Steps []StepBook `json:"steps"`
}

// Balance is what Announced has more than its terms together: zero where it adds up.
func (b Books) Balance() int {
	return b.Announced - b.Done - b.Rejected - b.Dead - b.Discarded - b.Gone - b.InFlight
}

// StepBook counts the rows of one step.
type StepBook struct {
	Step      pipeline.Step `json:"step"`
	Wanted    int           `json:"wanted"`
	Pending   int           `json:"pending"`
	Done      int           `json:"done"`
	Skipped   int           `json:"skipped"`
	Dead      int           `json:"dead"`
	Discarded int           `json:"discarded"`
}

// Balance is what Wanted has more than its terms together: zero where it adds up.
func (b StepBook) Balance() int {
	return b.Wanted - b.Pending - b.Done - b.Skipped - b.Dead - b.Discarded
}

// The conditions of an upload u. They are DeriveState in SQL; a state that nobody knows
// meets none of them.
const (
	anyStep   = `EXISTS (SELECT 1 FROM upload_steps s WHERE s.upload_id = u.id)`
	someStep  = `EXISTS (SELECT 1 FROM upload_steps s WHERE s.upload_id = u.id AND s.state = `
	allEnded  = anyStep + ` AND NOT EXISTS (SELECT 1 FROM upload_steps s WHERE s.upload_id = u.id AND s.state NOT IN ('done', 'skipped'))`
	someCode  = `EXISTS (SELECT 1 FROM upload_steps s WHERE s.upload_id = u.id AND s.code != '')`
	countedIn = `(SELECT COUNT(*) FROM uploads u WHERE u.created_at >= ?0 AND `
)

// One statement reads one state of the ledger, so that what moves meanwhile is counted
// once. The parameter is the time from which uploads are counted.
const uploadBooks = `SELECT
	(SELECT COUNT(*) FROM uploads u WHERE u.created_at >= ?0),
	` + countedIn + allEnded + ` AND u.reason = '' AND NOT ` + someCode + `),
	` + countedIn + allEnded + ` AND u.reason != 'OBJECT_GONE' AND (u.reason != '' OR ` + someCode + `)),
	` + countedIn + someStep + `'dead') AND NOT ` + someStep + `'pending')),
	` + countedIn + someStep + `'discarded') AND NOT ` + someStep + `'pending') AND NOT ` + someStep + `'dead')),
	` + countedIn + allEnded + ` AND u.reason = 'OBJECT_GONE'),
	` + countedIn + someStep + `'pending')),
	(SELECT COUNT(*) FROM upload_steps s JOIN uploads u ON u.id = s.upload_id WHERE u.created_at >= ?0 AND s.state = 'dead'),
	(SELECT COUNT(*) FROM dead_letters d JOIN uploads u ON u.id = d.upload_id
		JOIN upload_steps s ON s.upload_id = d.upload_id AND s.step = d.step AND s.scope = d.scope
		WHERE u.created_at >= ?0 AND d.state = 'open' AND s.state = 'dead'),
	(SELECT COUNT(*) FROM dead_letters d WHERE d.state = 'open' AND d.upload_id = '' AND d.died_at >= ?0)`

const stepBooks = `SELECT s.step, COUNT(*) AS wanted,
	SUM(CASE WHEN s.state = 'pending' THEN 1 ELSE 0 END) AS pending,
	SUM(CASE WHEN s.state = 'done' THEN 1 ELSE 0 END) AS done,
	SUM(CASE WHEN s.state = 'skipped' THEN 1 ELSE 0 END) AS skipped,
	SUM(CASE WHEN s.state = 'dead' THEN 1 ELSE 0 END) AS dead,
	SUM(CASE WHEN s.state = 'discarded' THEN 1 ELSE 0 END) AS discarded
	FROM upload_steps s JOIN uploads u ON u.id = s.upload_id WHERE u.created_at >= ? GROUP BY s.step`

// Books counts the uploads that were first announced at since or later; the zero time
// counts all. It scans the ledger: not for hot paths.
func (l *Ledger) Books(ctx context.Context, since time.Time) (Books, error) {
	var b Books
	err := l.db.NewRaw(uploadBooks, int64(at(since))).Scan(ctx, &b.Announced, &b.Done, &b.Rejected, &b.Dead,
		&b.Discarded, &b.Gone, &b.InFlight, &b.DeadSteps, &b.OpenLetters, &b.RawLetters)
	if err != nil {
		return Books{}, classed("books", err)
	}
	var rows []StepBook
	if err := l.db.NewRaw(stepBooks, int64(at(since))).Scan(ctx, &rows); err != nil {
		return Books{}, classed("books", err)
	}
	for _, step := range pipeline.Steps() {
		one := StepBook{Step: step}
		for _, r := range rows {
			if r.Step == step {
				one = r
			}
		}
		b.Steps = append(b.Steps, one)
	}
	return b, nil
}
