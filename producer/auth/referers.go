package auth

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
)

// CodeReferer: the request of an end user comes from none of our mini programs (403).
const (
	CodeReferer = "REFERER_NOT_ALLOWED"
)

// RefererOptions configure NewReferers.
type RefererOptions struct {
	// AppIDs are the mini programs whose users may come in, each wx and 16 hex digits.
	// At least one.
	AppIDs []string
	// AllowDevtools lets the developer tools in, AllowVersion0 the trial and development
	// versions on a phone.
	AllowDevtools, AllowVersion0 bool
}

// Referers is the list of mini programs that end users may come from. A Referer can be
// forged by whoever writes their own client, so it is only a second line behind tokens.
type Referers struct{ opt RefererOptions }

var (
	appIDForm = regexp.MustCompile(`^wx[0-9a-f]{16}$`)
	// refererForm is what WeChat sends and a mini program cannot change.
	refererForm = regexp.MustCompile(`^https://(?:servicewechat\.com|appservice\.wx\.com)/(wx[0-9a-f]{16})/([0-9]{1,9}|devtools)/page-frame\.html$`)
)

// NewReferers checks the options.
func NewReferers(opt RefererOptions) (*Referers, error) {
	if len(opt.AppIDs) == 0 {
		return nil, errors.New("auth: no appid is allowed")
	}
	for _, id := range opt.AppIDs {
		if !appIDForm.MatchString(id) {
			return nil, fmt.Errorf("auth: %q is no appid: want wx and 16 of 0-9 a-f", id)
		}
	}
	opt.AppIDs = slices.Clone(opt.AppIDs)
	return &Referers{opt}, nil
}

// check gives nil for a request from an allowed mini program.
func (a *Referers) check(r *http.Request) *Refusal {
	refuse := func(message string) *Refusal {
		return &Refusal{Status: http.StatusForbidden, Code: CodeReferer, Message: message}
	}
	headers := r.Header.Values("Referer")
	if len(headers) != 1 {
		return refuse("the request has no Referer of a mini program")
	}
	m := refererForm.FindStringSubmatch(headers[0])
	switch {
	case m == nil:
		return refuse("the Referer is not that of a mini program")
	case !slices.Contains(a.opt.AppIDs, m[1]):
		return refuse("the Referer is of another mini program")
	case m[2] == "devtools" && !a.opt.AllowDevtools:
		return refuse("the developer tools are not allowed here")
	case m[2] == "0" && !a.opt.AllowVersion0:
		return refuse("trial and development versions are not allowed here")
	case m[2] != "0" && m[2][0] == '0':
		return refuse("the Referer is not that of a mini program")
	}
	return nil
}
