package pipeline

import (
	"context"
	"errors"
	"io"
)

// ObjectInfo is what the object store says of an object without its bytes.
type ObjectInfo struct {
	// ETag is without quotes. It is not always an MD5 (COS 436/14518).
	ETag string
	// VersionID is empty in an unversioned bucket.
	VersionID string
	// Size is the size of the whole object in bytes, also after a ranged read.
	Size int64
	// ContentType is what the uploader claimed; never used for typing.
	ContentType string
}

// ReadOptions narrows a read.
type ReadOptions struct {
	// Offset and Length are the range in bytes; Length 0 reads to the end.
	Offset, Length int64
	// IfMatch is the ETag that the object must have; empty for any. Another ETag is an
	// error of class Superseded.
	IfMatch string
}

// PutOptions describe an object that we write.
type PutOptions struct {
	ContentType  string
	CacheControl string
}

// Objects is the object store as the steps need it. Every error is an *Error: 404 is
// Missing, 403 Denied, 412 Superseded, 429 and 503 SlowDown Throttled, the rest of
// the 5xx and the network Transient. A range past the end of an object (416) reads as
// no bytes with the object's size. A body that ends early is an error of its Read.
type Objects interface {
	// Head asks for the facts of an object.
	Head(ctx context.Context, bucket, key string) (ObjectInfo, error)
	// Get opens an object for reading. The caller closes the body.
	Get(ctx context.Context, bucket, key string, opt ReadOptions) (ObjectInfo, io.ReadCloser, error)
	// Put writes an object at once and gives its ETag.
	Put(ctx context.Context, bucket, key string, body []byte, opt PutOptions) (string, error)
	// Delete removes an object; one that is not there is no error.
	Delete(ctx context.Context, bucket, key string) error
	// Public tells whether the object can be read without a signature at the very URL
	// that would be handed out.
	Public(ctx context.Context, bucket, key string) (bool, error)
}

// ProbeBytes is how much of an object a check reads at first.
const ProbeBytes = 64 << 10

// Prober tells the facts of a file from its first bytes. head holds the whole file
// where size <= len(head). It asks for more by a positive need: the number of bytes
// from the start with which it should be called again.
type Prober func(head []byte, size int64) (facts Facts, need int)

// Selective is what a Thumbnailer is too that knows beforehand of which types it makes
// nothing. One that is not makes something of images only.
type Selective interface {
	// Skips gives the reason for which there are no thumbnails of a MIME type, and "" where
	// there may be.
	Skips(kind string) string
}

// Order is a business order as the order store holds it.
type Order struct {
	ID string
	// Owner is the openid that the order belongs to; empty where no owner column is
	// configured or it is empty.
	Owner string
	// Images is the array of fileIDs.
	Images []string
	// Version is what the store needs for its compare-and-set; opaque to others.
	Version string
}

// ErrNotAsAsked is in the error of a store that can add to an array and take away from it
// but not arrange it: it wrote, and the array is now another one than was asked for. Whoever
// reads the order again knows it.
var ErrNotAsAsked = errors.New("written, but the array is now another one than was asked for")

// OrderStore writes fileIDs into orders. An order that does not exist is an error of
// class Waiting; an array that is not one of strings is Invalid.
type OrderStore interface {
	// ReadOrder reads one order.
	ReadOrder(ctx context.Context, id string) (Order, error)
	// WriteImages replaces the array, provided that the order still is as it was read,
	// and sets the updated-at column by the database's clock. A lost race is an error of
	// class Conflict and changes nothing, unless it is ErrNotAsAsked.
	WriteImages(ctx context.Context, was Order, images []string) error
}
