package audit

import (
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// Kind is what is wrong with a row. The kinds of ledger.GapKinds are kinds as well.
type Kind string

// The kinds of findings that the ledger alone does not show.
const (
	// KindEquation is an equation whose terms are not its sum.
	KindEquation Kind = "equation"
	// KindEntryMissing is an entry that we wrote and that is not in its order.
	KindEntryMissing Kind = "order entry missing"
	// KindOrderMissing is an order that held an entry of ours and is not there.
	KindOrderMissing Kind = "order missing"
	// KindOrderUnreadable is an order whose array cannot be read.
	KindOrderUnreadable Kind = "order unreadable"
	// KindPhantom is an entry that names a file in our buckets and that no link explains.
	KindPhantom Kind = "phantom entry"
	// KindRefusedEntry is an entry of a file that was refused or is gone.
	KindRefusedEntry Kind = "refused entry"
	// KindThumbnailMissing is a thumbnail that was made and is not in the bucket.
	KindThumbnailMissing Kind = "thumbnail missing"
	// KindTaskMissing is a pending step without a task in the queue.
	KindTaskMissing Kind = "task missing"
	// KindTaskUnknown is a task whose run the ledger never wished for.
	KindTaskUnknown Kind = "unknown task"
)

// Finding names a row that does not add up.
type Finding struct {
	Kind Kind `json:"kind"`
	// UploadID, Key, Order and Step name the row, as far as they apply.
	UploadID string        `json:"uploadId,omitempty"`
	Key      string        `json:"key,omitempty"`
	Order    string        `json:"order,omitempty"`
	Step     pipeline.Step `json:"step,omitempty"`
	// What says it in words.
	What string `json:"what"`
}

// Report is the result of an audit.
type Report struct {
	// Holds says that everything adds up.
	Holds bool `json:"holds"`
	ledger.Books
	// Orders, Entries, Thumbnails, Waiting and Tasks count what was compared: orders and
	// their entries, thumbnails, pending steps older than the grace, tasks in the queue.
	Orders     int `json:"orders"`
	Entries    int `json:"entries"`
	Thumbnails int `json:"thumbnails"`
	Waiting    int `json:"waiting"`
	Tasks      int `json:"tasks"`
	// Stale counts tasks whose run was replaced or has ended. They do nothing.
	Stale int `json:"stale"`
	// RemovedByBusiness counts entries that are not in their orders because the business
	// took them out.
	RemovedByBusiness int `json:"removedByBusiness"`
	// Findings counts the findings by kind.
	Findings map[Kind]int `json:"findings"`
}

// Total counts the findings.
func (r Report) Total() int {
	n := 0
	for _, count := range r.Findings {
		n += count
	}
	return n
}
