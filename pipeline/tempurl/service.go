package tempurl

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// Codes of answers, as getTempFileURL gives them.
const (
	Success = "SUCCESS"
	// NotFound: there is no such file.
	NotFound = "STORAGE_FILE_NONEXIST"
	// NotAllowed: the file is somebody else's, or of nobody who can be known.
	NotAllowed = "STORAGE_EXCEED_AUTHORITY"
	// Failed: the storage or the ledger gave no answer. Try again.
	Failed = "STORAGE_REQUEST_FAIL"
)

// Defaults of Options.
const (
	DefaultPrivateTTL = 10 * time.Minute
	DefaultMissTTL    = 10 * time.Second
	DefaultTimeout    = 4 * time.Second
)

// Options configure a Service.
type Options struct {
	// Buckets are those whose files are served. Required.
	Buckets pipeline.Buckets
	// Source finds the URLs. Required.
	Source Source
	// Visible asks whether an object is public. Required.
	Visible pipeline.VisibilityRule
	// Exists asks for an object with credentials; Missing where there is none. Required.
	Exists func(ctx context.Context, bucket, key string) error
	// Cache keeps the URLs of public files. Nil: none.
	Cache *Cache
	// Known gives what is recorded of uploads, by upload ID; one that is not there is left
	// out. Only files recorded as accepted are cached then. Nil: nothing is recorded, and
	// the storage alone decides.
	Known func(ctx context.Context, uploadIDs []string) (map[string]pipeline.Upload, error)
	// Original gives the key whose thumbnail a key of a bucket is, or "". Nil: there are no
	// thumbnails.
	Original func(bucket, key string) string
	// PublicTTL is the maxAge of a URL that does not expire. Defaults to 2 hours.
	PublicTTL time.Duration
	// PrivateTTL is how long the URL of a private file works. Defaults to 10 minutes.
	PrivateTTL time.Duration
	// MissTTL is how long a file that is not there is not asked for again. Defaults to 10
	// seconds; negative: it always is.
	MissTTL time.Duration
	// Timeout bounds one question. Defaults to 4 seconds, because a phone in the background
	// is cut off after five.
	Timeout time.Duration
	// Concurrency is how many objects are asked about at once by one process. Defaults to 16.
	Concurrency int
	// Observe is told how many files of a question the cache had, and how many not. Nil tells
	// nobody.
	Observe func(ctx context.Context, hits, misses int)
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Logger gets what could not be asked. Nil: none.
	Logger *slog.Logger
}

// Viewer is who asks. The zero Viewer may see public files only.
type Viewer struct {
	// All may see every file.
	All bool
	// Owner may see the private files of this openid.
	Owner string
}

// Answer is what became of one fileID.
type Answer struct {
	// FileID is as it was asked for.
	FileID string
	// URL is empty unless Code is Success. That of a private file is a secret.
	URL string
	// MaxAge is for how long the URL may be used.
	MaxAge time.Duration
	Code   string
}

// Service answers which URLs files can be fetched under: those of public files from the
// cache, those of private files freshly minted for who may see them. It is safe for
// concurrent use.
type Service struct {
	opt     Options
	flights flights
	misses  misses
	slots   chan struct{}
	behind  sync.WaitGroup
}

// NewService makes a Service.
func NewService(opt Options) (*Service, error) {
	if len(opt.Buckets) == 0 || opt.Source == nil || opt.Visible == nil || opt.Exists == nil {
		return nil, errors.New("tempurl: a Service needs Buckets, Source, Visible and Exists")
	}
	orTime := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	orTime(&opt.PublicTTL, DefaultPublicTTL)
	orTime(&opt.PrivateTTL, DefaultPrivateTTL)
	orTime(&opt.MissTTL, DefaultMissTTL)
	orTime(&opt.Timeout, DefaultTimeout)
	if opt.PrivateTTL < time.Second || opt.PrivateTTL > MaxPresignTTL {
		return nil, errors.New("tempurl: PrivateTTL must be 1s to 24h")
	}
	if opt.Concurrency <= 0 {
		opt.Concurrency = 16
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{opt: opt, slots: make(chan struct{}, opt.Concurrency)}, nil
}

// Close waits for what is refreshed behind the answers.
func (s *Service) Close() error {
	s.behind.Wait()
	return nil
}

// Resolve answers by position, for any number of fileIDs. What goes wrong with one file
// is its answer's Code.
func (s *Service) Resolve(ctx context.Context, who Viewer, fileIDs []string) []Answer {
	ctx, cancel := context.WithTimeout(ctx, s.opt.Timeout)
	defer cancel()
	q := &question{s: s, who: who, answers: make(map[string]Answer, len(fileIDs)), asked: make(map[string][]string)}
	for _, name := range fileIDs {
		q.take(name)
	}
	q.cached(ctx)
	q.ask(ctx)
	q.mint(ctx)
	out := make([]Answer, len(fileIDs))
	for i, name := range fileIDs {
		if a, ok := q.answers[name]; ok {
			out[i] = a
		} else {
			out[i] = Answer{Code: Failed}
		}
		out[i].FileID = name
	}
	return out
}
