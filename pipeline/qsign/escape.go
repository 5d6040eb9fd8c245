package qsign

import "strings"

const upperHex = "0123456789ABCDEF"

// Escape percent-encodes every byte of s but the unreserved ones of RFC 3986: letters,
// digits and - _ . ~. This is the encoding that signatures are computed over.
func Escape(s string) string { return escape(s, "") }

// EscapePath is Escape with the slashes kept: an object key as it stands in a URL.
func EscapePath(key string) string { return escape(key, "/") }

func escape(s, keep string) string {
	n := 0
	for i := range len(s) {
		if !plain(s[i], keep) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	b := make([]byte, 0, len(s)+2*n)
	for i := range len(s) {
		c := s[i]
		if plain(c, keep) {
			b = append(b, c)
			continue
		}
		b = append(b, '%', upperHex[c>>4], upperHex[c&15])
	}
	return string(b)
}

func plain(c byte, keep string) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	case c == '-', c == '_', c == '.', c == '~':
		return true
	}
	return strings.IndexByte(keep, c) >= 0
}
