package coslocal

import (
	"net/http"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline/qsign"
)

// authorize lets a request with a good signature pass, and an unsigned GET or HEAD of an
// object that is public. What the clock fault adds is part of the server's time.
func (x *exchange) authorize() error {
	if qsign.Signed(x.r) {
		now := x.now
		if f, ok := x.faults.fire(Skew, x.r.Method, x.key); ok {
			now = now.Add(f.Delay)
		}
		who, err := qsign.Verify(x.r, x.lookup, now)
		if err != nil {
			return signatureRefused(err)
		}
		x.who = who
		token := x.r.Header.Get(securityToken)
		if token == "" {
			token = x.r.URL.Query().Get(securityToken)
		}
		return x.checkToken(who, token, now)
	}
	read := x.r.Method == http.MethodGet || x.r.Method == http.MethodHead
	q := x.r.URL.Query()
	if read && x.key != "" && !q.Has("acl") && !q.Has("uploadId") && x.disk.public(x.key) {
		return nil
	}
	return denied("Access Denied.")
}

const securityToken = "x-cos-security-token" //nolint:gosec // the name of a header, not a token

// checkToken refuses a temporary key without its token, and one that has ended (COS
// 436/7730). What goes with a permanent key it does not look at.
func (s *Server) checkToken(who, token string, now time.Time) error {
	s.mu.Lock()
	key := s.keys[who]
	s.mu.Unlock()
	switch {
	case key.Token != "" && token != key.Token:
		return refuse(http.StatusForbidden, "InvalidAccessKeyId", "The Access Key Id you provided does not go with the security token")
	case !key.Expires.IsZero() && !now.Before(key.Expires):
		return refuse(http.StatusForbidden, "ExpiredToken", "The provided token has expired.")
	}
	return nil
}

// ours tells whether a host that names a bucket of COS names this one, in its region. On
// loopback there are no such names.
func (s *Server) ours(host string) bool {
	bucket, rest, ok := strings.Cut(host, ".cos.")
	region, _, named := strings.Cut(rest, ".myqcloud.com")
	return !ok || !named || bucket == s.opt.Bucket && region == s.opt.Region
}
