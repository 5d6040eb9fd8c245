package objects

import (
	"context"
	"net/url"
	"strings"
	"time"

	cos "github.com/tencentyun/cos-go-sdk-v5"

	"github.com/afterput/afterput/pipeline"
)

// MaxPage is the most keys that COS lists at once (COS 436/7734).
const MaxPage = 1000

// Listed is one object of a listing.
type Listed struct {
	Key string
	// ETag is without quotes.
	ETag string
	// Size is in bytes.
	Size int64
	// LastModified is in UTC.
	LastModified time.Time
}

// Page is a part of a listing.
type Page struct {
	// Objects are in the order of their keys' UTF-8 bytes.
	Objects []Listed
	// Next is the marker of the page that follows; empty after the last.
	Next string
}

// List gives up to limit objects whose keys begin with prefix and come after marker.
// A limit outside 1..MaxPage means MaxPage.
func (s *Store) List(ctx context.Context, bucketName, prefix, marker string, limit int) (Page, error) {
	const op = "objects.list"
	b, err := s.bucket(op, bucketName)
	if err != nil {
		return Page{}, err
	}
	if limit < 1 || limit > MaxPage {
		limit = MaxPage
	}
	ctx, cancel := s.timed(ctx)
	defer cancel()
	// Keys may hold what XML cannot, so they are asked for percent-encoded.
	res, _, err := b.client.Bucket.Get(ctx, &cos.BucketGetOptions{
		Prefix: prefix, Marker: marker, MaxKeys: limit, EncodingType: "url",
	})
	if err != nil {
		return Page{}, b.failure(op, prefix, err)
	}
	if res.XMLName.Local != "ListBucketResult" {
		// The SDK takes a 200 without a body for an empty bucket.
		return Page{}, pipeline.Errorf(pipeline.Transient, op, prefix, "the answer is not a listing")
	}
	page, err := pageOf(res)
	if err != nil {
		return Page{}, pipeline.Errorf(pipeline.Transient, op, prefix, "%w", err)
	}
	return page, nil
}

func pageOf(res *cos.BucketGetResult) (Page, error) {
	decode := func(s string) (string, error) { return s, nil }
	if strings.EqualFold(res.EncodingType, "url") {
		decode = url.QueryUnescape
	}
	page := Page{Objects: make([]Listed, 0, len(res.Contents))}
	for _, c := range res.Contents {
		key, err := decode(c.Key)
		if err != nil {
			return Page{}, err
		}
		at, err := time.Parse(time.RFC3339, c.LastModified)
		if err != nil {
			return Page{}, err
		}
		page.Objects = append(page.Objects, Listed{
			Key: key, ETag: strings.Trim(c.ETag, `"`), Size: c.Size, LastModified: at.UTC(),
		})
	}
	if !res.IsTruncated {
		return page, nil
	}
	next, err := decode(res.NextMarker)
	if next == "" && len(page.Objects) > 0 {
		next = page.Objects[len(page.Objects)-1].Key
	}
	page.Next = next
	return page, err
}
