package pipeline

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxNameBytes is the longest object name that COS and CloudBase take, counted in
// bytes after percent-encoding (WeChat naming.html; COS 436/14518).
const MaxNameBytes = 850

// NameRule is a rule that an object name can break. Its text is for people and
// says what to do.
type NameRule string

// The rules of object names (WeChat naming.html, COS 436/14518).
const (
	RuleEmpty        NameRule = "the name is empty"
	RuleUTF8         NameRule = "the name is not valid UTF-8"
	RuleLeadingSlash NameRule = "the name begins with '/': remove the leading slash"
	RuleDoubleSlash  NameRule = "the name has '//' in it: use single slashes"
	RuleDotSegment   NameRule = "the name has a '.' or '..' segment: use plain folder names"
	RuleControl      NameRule = "the name has a control character in it"
	RuleTooLong      NameRule = "the name has more than 850 bytes when percent-encoded"
)

// CheckName tells whether name can be an object name. The error is an *Error of
// class Invalid and code INVALID_FILE_NAME whose text names the rule broken.
func CheckName(name string) error {
	if rule := brokenRule(name); rule != "" {
		return &Error{Class: Invalid, Op: "name", Key: clip(name, 80), Code: CodeInvalidFileName, Err: ruleError(rule)}
	}
	return nil
}

type ruleError NameRule

func (r ruleError) Error() string { return string(r) }

func brokenRule(name string) NameRule {
	switch {
	case name == "":
		return RuleEmpty
	case !utf8.ValidString(name):
		return RuleUTF8
	case strings.HasPrefix(name, "/"):
		return RuleLeadingSlash
	case strings.Contains(name, "//"):
		return RuleDoubleSlash
	case strings.ContainsFunc(name, unicode.IsControl):
		return RuleControl
	case encodedLen(name) > MaxNameBytes:
		return RuleTooLong
	}
	for seg := range strings.SplitSeq(name, "/") {
		if seg == "." || seg == ".." {
			return RuleDotSegment
		}
	}
	return ""
}

// encodedLen is the length of name percent-encoded with its slashes kept: three bytes
// for every byte that RFC 3986 does not call unreserved.
func encodedLen(name string) int {
	n := 0
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~/", c) >= 0:
			n++
		default:
			n += 3
		}
	}
	return n
}

// OwnerOf gives the openid segment of users/{openid}/..., or "" where the name is
// not of that form.
func OwnerOf(name string) string {
	rest, ok := strings.CutPrefix(name, "users/")
	if !ok {
		return ""
	}
	owner, file, ok := strings.Cut(rest, "/")
	if !ok || file == "" {
		return ""
	}
	return owner
}

// clip shortens s to at most n bytes at a rune boundary, for error texts.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
