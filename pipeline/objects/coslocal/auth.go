package coslocal

import (
	"net/http"

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
		return x.checkToken(who, token)
	}
	read := x.r.Method == http.MethodGet || x.r.Method == http.MethodHead
	q := x.r.URL.Query()
	if read && x.key != "" && !q.Has("acl") && !q.Has("uploadId") && x.disk.public(x.key) {
		return nil
	}
	return denied("Access Denied.")
}

const securityToken = "x-cos-security-token" //nolint:gosec // the name of a header, not a token

// checkToken refuses a temporary key without its token (COS 436/7730).
func (s *Server) checkToken(who, token string) error {
	if want, ok := s.tokens[who]; ok && token != want {
		return refuse(http.StatusForbidden, "InvalidAccessKeyId", "The Access Key Id you provided does not go with the security token")
	}
	return nil
}
