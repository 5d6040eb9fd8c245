package sign

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/events"
)

// The codes of requests that are refused here; the others are those of announcements.
const (
	codeInvalidExtension    pipeline.Code = "INVALID_EXTENSION"
	codeExtensionNotAllowed pipeline.Code = "EXTENSION_NOT_ALLOWED"
	codeNoOrders            pipeline.Code = "ORDERS_NOT_CONFIGURED"
	codeKeyNotSigned        pipeline.Code = "KEY_NOT_SIGNED"
	codeMultipartVerb       pipeline.Code = "MULTIPART_VERB"
	codeUnavailable         pipeline.Code = "UNAVAILABLE"
	codeInternal            pipeline.Code = "INTERNAL"
	codeMethod              pipeline.Code = "METHOD_NOT_ALLOWED"
)

// plainOwner is an owner that stands in a URL as it is: the clients of the guides do not
// encode the key of a PUT.
var plainOwner = regexp.MustCompile(`^[A-Za-z0-9_~@-][A-Za-z0-9_.~@-]{0,127}$`)

func (s *Signer) check(req Request, rules Rules) error {
	switch {
	case req.Owner == "":
		return refuse(pipeline.Invalid, pipeline.CodeOwnerMissing, "the key belongs to no user: add &owner= with the openid")
	case !plainOwner.MatchString(req.Owner):
		return refuse(pipeline.Invalid, events.CodeBadField, "owner: want 1 to 128 of A-Z a-z 0-9 _ - ~ @ and, after the first, dots")
	case req.Order != "" && !rules.Orders:
		return refuse(pipeline.Invalid, codeNoOrders, "no orders database is configured for the bucket: set orders.url or leave the order out")
	case len(req.Order)+rules.prefix() > pipeline.MaxOrderBytes || !utf8.ValidString(req.Order) || strings.ContainsFunc(req.Order, unicode.IsControl):
		return refuse(pipeline.Invalid, events.CodeBadField, "order: want at most %d bytes of UTF-8 without control characters", pipeline.MaxOrderBytes-rules.prefix())
	case req.Position != nil && req.Order == "":
		return refuse(pipeline.Invalid, events.CodeBadField, "position: it is the place in an order, and there is none")
	case req.Position != nil && (*req.Position < 0 || *req.Position > events.MaxPosition):
		return refuse(pipeline.Invalid, events.CodeBadPosition, "position: want a whole number from 0 to %d", events.MaxPosition)
	}
	return nil
}

func refuse(class pipeline.Class, code pipeline.Code, format string, args ...any) error {
	e := pipeline.Errorf(class, "sign", "", format, args...)
	e.Code = code
	return e
}

// clip shortens a caller's value for an error.
func clip(s string) string {
	const most = 60
	if r := []rune(strings.ToValidUTF8(s, "\uFFFD")); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
