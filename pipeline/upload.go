package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Visibility says who can read an object without a signature.
type Visibility string

// The visibilities of an object.
const (
	VisibilityUnknown Visibility = ""
	Public            Visibility = "public"
	Private           Visibility = "private"
)

// Upload is one ledger row: an object that was announced.
type Upload struct {
	// ID is UploadID(Bucket, Key).
	ID string
	// Bucket is the full bucket name with its appid, Key the object key.
	Bucket, Key string
	// FileID is the permanent name that the order stores.
	FileID string
	// Owner is the openid that the object belongs to; empty where none is known.
	Owner string
	// Source says which door announced it first: api, cos-event, cli.
	Source string
	// Announcements counts how often it was announced; all but one are duplicates.
	Announcements int

	// Content is what the last check found; zero before it.
	Content Content
	// Reason is why the content was rejected, or OBJECT_GONE; empty when accepted.
	Reason Code
	// Detail says the reason in words.
	Detail string
	// CheckedAt is when the last check finished; zero before it.
	CheckedAt time.Time

	// Revision numbers the outcomes that were notified; 0 before the first.
	Revision int

	CreatedAt, UpdatedAt time.Time
}

// Accepted tells whether the content was checked and may reach the order.
func (u Upload) Accepted() bool { return !u.CheckedAt.IsZero() && u.Reason == "" }

// Content is what an object holds, as one check saw it.
type Content struct {
	ETag      string // without quotes
	VersionID string // empty in an unversioned bucket
	Size      int64  // bytes
	Facts
	Visibility Visibility
}

// Facts are what the first bytes of a file tell about it, without decoding.
type Facts struct {
	// Type is the MIME type by magic bytes: image/jpeg, video/mp4, text/html;
	// application/octet-stream where nothing matched.
	Type string
	// Width and Height are pixels as stored, before orientation; 0 where unknown.
	Width, Height int
	// Frames counts the frames of an animation as far as the bytes told; 1 for a still.
	Frames int
	// Orientation is the EXIF orientation 1..8; 0 where there is none.
	Orientation int
	// Foreign names other content found inside, such as "text/html" or
	// "application/zip"; empty for a clean file.
	Foreign string
	// Truncated says that the header promises more bytes than there are.
	Truncated bool
}

// UploadID is the ID of the upload of an object: 32 hex digits of SHA-256 over
// bucket and key.
func UploadID(bucket, key string) string {
	return shortHash(bucket + "\x00" + key)
}

// OrderHash shortens an order ID to the 32 hex digits that stand in task IDs.
func OrderHash(order string) string { return shortHash(order) }

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// Announcement is what the producer received about one object.
type Announcement struct {
	// Bucket is the full bucket name, Key the object key.
	Bucket, Key string
	// FileID is the permanent name to store; empty means the bucket's own form.
	FileID string
	// Owner is the openid; empty means "from the key".
	Owner string
	// Order is the business order to write the fileID into; empty for none.
	Order string
	// Position is the place in the order that the user chose, from 0; nil where unknown.
	Position *int
	// Batch names the files that were announced together for one order; empty where the
	// announcement came alone, as events do.
	Batch string
	// Source says which door it came through.
	Source string
	// Removed says that the object was deleted, not created.
	Removed bool
}

// Link ties an upload to a place in an order.
type Link struct {
	// Seq is the order in which links were first committed; unique in the ledger.
	Seq int64
	// Order and UploadID are what it ties together.
	Order, UploadID string
	// FileID is what the order's array holds for it.
	FileID string
	// Owner is the upload's owner; empty where none is known.
	Owner string
	// Batch is the batch it belongs to; empty for files that came alone.
	Batch string
	// Position is the chosen place in the batch; nil where unknown.
	Position *int
	// CreatedAt is when it was first committed.
	CreatedAt time.Time
	// Attached says that the order held the fileID at the end of some attach.
	Attached bool
	// Written says that it was us who wrote it there.
	Written bool
	// Live says that the upload is accepted now; false withdraws an entry of ours.
	Live bool
	// Unchecked says that the upload was never checked: nobody knows yet if it will be Live.
	Unchecked bool
}
