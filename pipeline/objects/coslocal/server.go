package coslocal

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/afterput/afterput/pipeline/qsign"
)

// Options configure a Server.
type Options struct {
	// Dir is the folder that holds the bucket; it is made if it is not there. One server
	// at a time may use it.
	Dir string
	// Bucket is the full name with the appid: photos-1250000000.
	Bucket string
	// Region stands in events and locations. Requests to a host of COS that names another
	// one are refused with NoSuchBucket. Defaults to ap-guangzhou.
	Region string
	// Keys are the SecretKeys by SecretID. Without any, nothing that needs a signature
	// is possible.
	Keys map[string]string
	// Tokens are the session tokens by SecretID. A request that is signed by a key with a
	// token must carry it in x-cos-security-token.
	Tokens map[string]string
	// Expires are the times by SecretID after which a key is refused with ExpiredToken.
	Expires map[string]time.Time
	// DefaultACL is the ACL of the bucket until it is set by PUT ?acl: ACLPrivate or
	// ACLPublicRead. Defaults to ACLPrivate.
	DefaultACL string
	// MaxObjectBytes bounds one upload. Defaults to 5 GiB, the limit of COS.
	MaxObjectBytes int64
	// NoProcessing takes a GET that asks for image processing as one of the object itself, as if
	// that were not enabled for the bucket.
	NoProcessing bool
	// AllowOrigin is the origin that browsers may call from, "*" for any. Empty answers
	// no cross-origin request; mini programs need none.
	AllowOrigin string
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// OnEvent gets every event as JSON, one after the other in the order of the writes,
	// from a goroutine of its own. Nil drops them.
	OnEvent func(event []byte)
	// Seed makes the faults that fire at a rate the same in every run.
	Seed uint64
	// Logger gets one line per refused request. Defaults to none.
	Logger *slog.Logger
}

// The ACLs of a bucket and an object (COS 436/30752). ACLDefault is for objects: what
// the bucket says.
const (
	ACLPrivate    = "private"
	ACLPublicRead = "public-read"
	ACLDefault    = "default"
)

// Server is one bucket. It is safe for concurrent use.
type Server struct {
	opt    Options
	name   string // the bucket's name without the appid
	appid  string
	disk   *disk
	faults *Faults
	events *queue

	mu   sync.Mutex
	keys map[string]qsign.Key // by SecretID

	done  chan struct{} // closed by Close
	close sync.Once
}

// New opens the bucket in opt.Dir. Temporary files that a killed process left there are
// removed. The caller ends it by Close.
func New(opt Options) (*Server, error) {
	cut := strings.LastIndexByte(opt.Bucket, '-')
	if cut <= 0 || cut == len(opt.Bucket)-1 {
		return nil, fmt.Errorf("coslocal: bucket %q is not name-appid", opt.Bucket)
	}
	if opt.Dir == "" {
		return nil, errors.New("coslocal: dir is empty")
	}
	if opt.Region == "" {
		opt.Region = "ap-guangzhou"
	}
	if opt.DefaultACL == "" {
		opt.DefaultACL = ACLPrivate
	}
	if opt.DefaultACL != ACLPrivate && opt.DefaultACL != ACLPublicRead {
		return nil, fmt.Errorf("coslocal: default ACL %q is neither private nor public-read", opt.DefaultACL)
	}
	if opt.MaxObjectBytes <= 0 {
		opt.MaxObjectBytes = 5 << 30
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	d, err := openDisk(opt.Dir, opt.DefaultACL, opt.Logger)
	if err != nil {
		return nil, fmt.Errorf("coslocal: %w", err)
	}
	s := &Server{
		opt: opt, name: opt.Bucket[:cut], appid: opt.Bucket[cut+1:], keys: make(map[string]qsign.Key),
		disk: d, faults: newFaults(opt.Seed), done: make(chan struct{}),
	}
	for id, secret := range opt.Keys {
		s.Grant(qsign.Key{ID: id, Secret: secret, Token: opt.Tokens[id], Expires: opt.Expires[id]})
	}
	s.events = newQueue(opt.OnEvent, s.faults)
	return s, nil
}

// Faults gives the switches of the faults.
func (s *Server) Faults() *Faults { return s.faults }

// Writes tells how often key was written since New: by PUT, POST, multipart upload or
// copy.
func (s *Server) Writes(key string) int { return s.disk.writesOf(key) }

// Keys gives the keys in the bucket in the order of their bytes.
func (s *Server) Keys() []string { return s.disk.keysCopy() }

// FlushEvents waits until every event so far was given to OnEvent, those held back by
// EventReorder too.
func (s *Server) FlushEvents() { s.events.flush() }

// Close refuses further requests, ends those that a fault holds, delivers the queued
// events and waits for that. It does not close the caller's listener.
func (s *Server) Close() error {
	s.close.Do(func() { close(s.done) })
	s.events.stop()
	return nil
}

// exchange is one request on its way through the server.
type exchange struct {
	*Server
	w   http.ResponseWriter
	r   *http.Request
	key string // decoded; "" for the bucket
	id  string // x-cos-request-id
	now time.Time
	who string // SecretID of a verified signature; "" for anonymous
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{Server: s, w: w, r: r, key: strings.TrimPrefix(r.URL.Path, "/"), id: randomID(), now: s.opt.Now()}
	h := w.Header()
	h.Set("Server", "tencent-cos")
	h.Set("X-Cos-Request-Id", x.id)
	if s.opt.AllowOrigin != "" {
		h.Set("Access-Control-Allow-Origin", s.opt.AllowOrigin)
		h.Set("Access-Control-Expose-Headers", "ETag,x-cos-request-id,x-cos-hash-crc64ecma")
	}
	if err := x.serve(); err != nil {
		x.fail(err)
	}
}

func (x *exchange) serve() error {
	select {
	case <-x.done:
		return refuse(http.StatusServiceUnavailable, "ServiceUnavailable", "the server is closing")
	default:
	}
	if !x.ours(x.r.Host) {
		return refuse(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist.")
	}
	if x.r.Method == http.MethodOptions {
		return x.preflight()
	}
	if x.r.Method == http.MethodPost && x.key == "" && isForm(x.r) {
		return x.postForm() // carries its key and its signature in the form
	}
	if err := x.requestFaults(); err != nil {
		return err
	}
	if err := x.authorize(); err != nil {
		return err
	}
	if x.key == "" {
		return x.bucketRequest()
	}
	return x.objectRequest()
}

func (x *exchange) bucketRequest() error {
	q := x.r.URL.Query()
	switch {
	case x.r.Method == http.MethodGet && q.Has("acl"):
		return x.getACL()
	case x.r.Method == http.MethodPut && q.Has("acl"):
		return x.putACL()
	case x.r.Method == http.MethodGet && q.Has("uploads"):
		return x.listUploads(q)
	case x.r.Method == http.MethodGet:
		return x.list(q)
	case x.r.Method == http.MethodHead:
		x.w.WriteHeader(http.StatusOK)
		return nil
	}
	return notImplemented(x.r)
}

func (x *exchange) objectRequest() error {
	q := x.r.URL.Query()
	if len(x.key) > maxKeyBytes {
		return refuse(http.StatusBadRequest, "KeyTooLong", "Your key is too long")
	}
	switch x.r.Method {
	case http.MethodGet, http.MethodHead:
		switch {
		case q.Has("acl"):
			return x.getACL()
		case q.Has("uploadId"):
			return x.listParts(q.Get("uploadId"))
		}
		if rule, ok := processing(x.r); ok && !x.opt.NoProcessing {
			return x.process(rule)
		}
		return x.get()
	case http.MethodPut:
		switch {
		case q.Has("acl"):
			return x.putACL()
		case q.Has("uploadId"):
			return x.putPart(q)
		case q.Has("tagging"):
			return notImplemented(x.r)
		case x.r.Header.Get("X-Cos-Copy-Source") != "":
			return x.copy()
		}
		return x.put()
	case http.MethodPost:
		switch {
		case q.Has("uploads"):
			return x.initiate()
		case q.Has("uploadId"):
			return x.complete(q.Get("uploadId"))
		}
	case http.MethodDelete:
		if q.Has("uploadId") {
			return x.abort(q.Get("uploadId"))
		}
		return x.delete()
	}
	return notImplemented(x.r)
}

func (x *exchange) preflight() error {
	h := x.w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, DELETE")
	h.Set("Access-Control-Allow-Headers", x.r.Header.Get("Access-Control-Request-Headers"))
	h.Set("Access-Control-Max-Age", "600")
	x.w.WriteHeader(http.StatusOK)
	return nil
}

// Grant adds a key, as the service for temporary keys does.
func (s *Server) Grant(key qsign.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[key.ID] = key
}

func (s *Server) lookup(id string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, ok := s.keys[id]
	return key.Secret, ok
}

func randomID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
