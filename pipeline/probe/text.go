package probe

import (
	"bytes"
	"strings"
)

// sniffBytes is how much of a text decides about its type.
const sniffBytes = 4096

// htmlTags are the root tags that browsers take for HTML (WHATWG MIME Sniffing, 7.1)
// and the ones that run or fetch something.
var htmlTags = map[string]bool{
	"html": true, "head": true, "body": true, "script": true, "iframe": true, "h1": true, "div": true,
	"font": true, "table": true, "a": true, "style": true, "title": true, "b": true, "br": true, "p": true,
	"img": true, "object": true, "embed": true, "form": true, "meta": true, "link": true, "base": true,
	"frameset": true, "video": true, "audio": true, "span": true, "center": true, "input": true,
}

// textType tells HTML, SVG, scripts and plain text, or "" for bytes that are no text.
func textType(head []byte) string {
	b := narrow(head[:min(len(head), sniffBytes)])
	b = bytes.TrimLeft(b, " \t\r\n\f")
	switch {
	case len(b) == 0:
		return ""
	case bytes.HasPrefix(b, []byte("#!/")), bytes.HasPrefix(b, []byte("#! /")):
		return TypeShell
	case hasPrefixFold(b, "<?php"), bytes.HasPrefix(b, []byte("<?=")):
		return TypePHP
	case b[0] == '<':
		if t := markupType(b); t != "" {
			return t
		}
	}
	if isText(b) {
		return TypeText
	}
	return ""
}

// narrow takes a byte-order mark off, and every second byte of UTF-16.
func narrow(b []byte) []byte {
	if rest, ok := bytes.CutPrefix(b, []byte("\xef\xbb\xbf")); ok {
		return rest
	}
	var from int
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		from = 2
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		from = 3
	default:
		return b
	}
	out := make([]byte, 0, len(b)/2)
	for i := from; i < len(b); i += 2 {
		out = append(out, b[i])
	}
	return out
}

// markupType reads past declarations and comments to the first tag.
func markupType(b []byte) string {
	for len(b) > 0 {
		b = bytes.TrimLeft(b, " \t\r\n\f")
		switch {
		case bytes.HasPrefix(b, []byte("<!--")):
			_, rest, ok := bytes.Cut(b, []byte("-->"))
			if !ok {
				return TypeHTML
			}
			b = rest
		case hasPrefixFold(b, "<!doctype"):
			name := tagName(bytes.TrimLeft(b[len("<!doctype"):], " \t\r\n\f"))
			if t := rootType(name); t != "" {
				return t
			}
			b = after(b, ">")
		case bytes.HasPrefix(b, []byte("<?")):
			b = after(b, "?>")
		case bytes.HasPrefix(b, []byte("<")):
			return rootType(tagName(b[1:]))
		default:
			return ""
		}
	}
	return ""
}

func rootType(name string) string {
	_, local, ok := strings.Cut(name, ":")
	if !ok {
		local = name
	}
	switch {
	case local == "svg":
		return TypeSVG
	case htmlTags[local]:
		return TypeHTML
	}
	return ""
}

// tagName gives the lower-cased name at the start of b.
func tagName(b []byte) string {
	if i := bytes.IndexAny(b, " \t\r\n\f/>["); i >= 0 {
		b = b[:i]
	}
	return strings.ToLower(string(b[:min(len(b), 32)]))
}

// after gives what follows the first sep, nothing where there is none.
func after(b []byte, sep string) []byte {
	_, rest, _ := bytes.Cut(b, []byte(sep))
	return rest
}

// isText tells bytes without the control characters that no text has (WHATWG MIME
// Sniffing, "binary data byte").
func isText(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1b {
			return false
		}
	}
	return true
}

// hasPrefixFold is strings.HasPrefix without regard to ASCII case; prefix is lower case.
func hasPrefixFold(b []byte, prefix string) bool {
	if len(b) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		c := b[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != prefix[i] {
			return false
		}
	}
	return true
}
