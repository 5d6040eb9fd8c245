package sign

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/qsign"
	"github.com/afterput/afterput/pipeline/seldom"
)

// DefaultExpires is how long a signature holds where Options.Expires is zero.
const DefaultExpires = 10 * time.Minute

// early is how much before now a signature begins, for clocks that differ: COS refuses
// one that lies in the future.
const early = time.Minute

// Bucket is a bucket that uploads are signed for.
type Bucket struct {
	// Name is the full name with the appid.
	Name string
	// Host is where it answers, with the port where that is not the usual one.
	Host string
	// Region stands in the policies of temporary keys.
	Region string
	// Key signs. One that may only put objects is enough, and best.
	Key qsign.Key
	// Keys gives the key that signs instead, where it changes; nil signs with Key. Its
	// errors are of class Transient.
	Keys func(ctx context.Context) (qsign.Key, error)
	// Issuer gives out a temporary key for each signature; nil signs with Key.
	Issuer Issuer
}

// Recorder keeps what was signed; *ledger.Ledger does, and *producer.Producer, which lets
// only so many wait for it. A key that it has already is an
// error of class Conflict.
type Recorder interface {
	Sign(ctx context.Context, s ledger.Signed) error
	// Signed gives what was signed, by upload ID.
	Signed(ctx context.Context, uploadIDs ...string) (map[string]ledger.Signed, error)
}

// Options configure a Signer.
type Options struct {
	// Buckets are what may be signed for; the first one is the default. Required.
	Buckets []Bucket
	// Rules are those of buckets that ByBucket does not name.
	Rules
	ByBucket map[string]Rules
	// Ledger keeps what was signed. Required.
	Ledger Recorder
	// Expires is how long a signature holds. Defaults to DefaultExpires.
	Expires time.Duration
	// MultipartExpires is how long the parts of one file may be signed. Defaults to
	// DefaultMultipartExpires; never less than Expires.
	MultipartExpires time.Duration
	// CallbackBase is the address of serve as COS reaches it, such as
	// https://afterput.example.com, and CallbackSecret makes the tokens of callbacks. Empty:
	// no callbacks.
	CallbackBase   string
	CallbackSecret []byte
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Logger gets one line for each request. Required.
	Logger *slog.Logger
}

// Rules are what differs by bucket.
type Rules struct {
	// Types are the MIME types that a check accepts: they decide the extensions.
	Types []string
	// MaxImageBytes and MaxVideoBytes limit the size of a form's file by the extension.
	// Required.
	MaxImageBytes, MaxVideoBytes int64
	// Orders says that an orders database is configured; without one a request that names
	// an order is refused with ORDERS_NOT_CONFIGURED.
	Orders bool
	// Store is the name of the store that the orders are in; "" for that without a name.
	Store string
}

// prefix is by how many bytes the full name of an order is longer than its ID.
func (r Rules) prefix() int {
	if r.Store == "" {
		return 0
	}
	return len(r.Store) + len(":")
}

// of gives the rules of a bucket.
func (o Options) of(bucket string) Rules {
	if r, ok := o.ByBucket[bucket]; ok {
		return r
	}
	return o.Rules
}

// Signer signs uploads. It is safe for concurrent use.
type Signer struct {
	opt        Options
	extensions map[string]map[string]int64 // by bucket and extension the largest file in bytes
	seldom     *seldom.Log
}

// New makes a Signer.
func New(opt Options) (*Signer, error) {
	if opt.Ledger == nil || opt.Logger == nil || len(opt.Buckets) == 0 {
		return nil, errors.New("sign: buckets, ledger and logger are required")
	}
	allowed := make(map[string]map[string]int64, len(opt.Buckets))
	for _, b := range opt.Buckets {
		if b.Name == "" || b.Host == "" || b.Keys == nil && (b.Key.ID == "" || b.Key.Secret == "") {
			return nil, errors.New("sign: a bucket has no name, host or key")
		}
		r := opt.of(b.Name)
		if r.MaxImageBytes <= 0 || r.MaxVideoBytes <= 0 {
			return nil, errors.New("sign: a size limit is not positive")
		}
		allowed[b.Name] = extensionsOf(r.Types, r.MaxImageBytes, r.MaxVideoBytes)
	}
	if opt.Expires <= 0 {
		opt.Expires = DefaultExpires
	}
	if opt.MultipartExpires <= 0 {
		opt.MultipartExpires = DefaultMultipartExpires
	}
	opt.MultipartExpires = max(opt.MultipartExpires, opt.Expires)
	if opt.CallbackBase != "" && len(opt.CallbackSecret) == 0 {
		return nil, errors.New("sign: callbacks need a secret")
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Signer{opt: opt, extensions: allowed, seldom: seldom.New(opt.Logger)}, nil
}

// Request says what is to be signed.
type Request struct {
	// Owner is the openid: the key lies in its folder. Required.
	Owner string
	// Ext is the extension without the dot, in any case. Required.
	Ext string
	// Bucket is the full name; empty is the first one.
	Bucket string
	// Order is the order that the file is for; empty for none. Position is the place in
	// it, from 0; nil where unknown.
	Order    string
	Position *int
	// ForbidOverwrite makes a Put cover the header x-cos-forbid-overwrite: true, which the
	// client then has to send.
	ForbidOverwrite bool
	// Multipart lets the requests of a multipart upload of the key be signed by Multipart.
	Multipart bool
}

// upload is one key that was recorded and may be signed for.
type upload struct {
	Bucket
	key    string
	window qsign.Window
	ends   time.Time // of the last signature for it
	limit  int64     // bytes
}

// grant checks a request, makes a key for it and records it.
func (s *Signer) grant(ctx context.Context, req Request) (upload, error) {
	u := upload{}
	var err error
	if u.Bucket, err = s.bucket(req.Bucket); err != nil {
		return u, err
	}
	if err := s.check(req, s.opt.of(u.Name)); err != nil {
		return u, err
	}
	ext, limit, err := s.extension(u.Name, req.Ext)
	if err != nil {
		return u, err
	}
	now := s.opt.Now()
	u.limit, u.window = limit, s.window()
	u.ends = u.window.End
	if req.Multipart {
		u.ends = now.Add(s.opt.MultipartExpires)
	}
	// A second key is only needed where 130 random bits came twice.
	for range 3 {
		u.key = newKey(req.Owner, ext, now)
		err = s.opt.Ledger.Sign(ctx, ledger.Signed{
			Bucket: u.Name, Key: u.key, Owner: req.Owner, Order: req.Order, Position: req.Position, ExpiresAt: u.ends,
		})
		if pipeline.ClassOf(err) != pipeline.Conflict {
			break
		}
	}
	return u, err
}

// window is the time in which a signature of now holds.
func (s *Signer) window() qsign.Window {
	now := s.opt.Now()
	return qsign.Window{Start: now.Add(-early), End: now.Add(s.opt.Expires)}
}

// newKey names an object that nobody can guess and that was never there: 130 random bits
// below the owner and the day in UTC.
func newKey(owner, ext string, now time.Time) string {
	return "users/" + owner + "/" + now.UTC().Format("20060102") + "/" + strings.ToLower(rand.Text()) + "." + ext
}

func (s *Signer) bucket(name string) (Bucket, error) {
	name = cmp.Or(name, s.opt.Buckets[0].Name)
	for _, b := range s.opt.Buckets {
		if b.Name == name {
			return b, nil
		}
	}
	return Bucket{}, refuse(pipeline.Invalid, pipeline.CodeUnknownBucket, "bucket %q is not configured here", clip(name))
}
