package pipeline

import (
	"context"
	"time"
)

// TempURL is a URL under which an object can be fetched for a while.
type TempURL struct {
	FileID string
	URL    string
	// Expires is when the URL stops working; zero for one that does not expire.
	Expires time.Time
}

// URLResolver finds the URL under which an object can be fetched. It is asked with at
// most 50 objects of one bucket, the limit of batchGetDownloadUrl, and answers by
// position.
type URLResolver interface {
	PublicURLs(ctx context.Context, bucket string, keys []string) ([]ResolvedURL, error)
}

// ResolvedURL is one answer of a URLResolver: a URL or why there is none.
type ResolvedURL struct {
	URL     string
	Expires time.Time
	Err     error
}

// URLCache keeps the temp URLs of public files by fileID.
type URLCache interface {
	// Set keeps a URL; one that expires is kept for less than its life.
	Set(ctx context.Context, u TempURL) error
	// Delete forgets the URLs of fileIDs; unknown ones are no error.
	Delete(ctx context.Context, fileIDs ...string) error
}
