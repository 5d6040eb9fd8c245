package probe

import (
	"bytes"
	"encoding/binary"
)

// needles are the beginnings of content that a browser or a server would run. They all
// start with '<', which is what foreignInside looks for.
var needles = []struct{ text, typ string }{
	{"<script", TypeHTML},
	{"<html", TypeHTML},
	{"<!doctype html", TypeHTML},
	{"<iframe", TypeHTML},
	{"<?php", TypePHP},
	{"<svg", TypeSVG},
}

// proof is how many bytes behind a needle must be text. Metadata holds compressed
// thumbnails and maker notes, in which four letters turn up by chance about once in
// 10,000 photos; with eight bytes of text behind them never.
const proof = 8

// foreignInside looks for other content in metadata.
func foreignInside(b []byte) string {
	for rest := b; ; rest = rest[1:] {
		i := bytes.IndexByte(rest, '<')
		if i < 0 {
			break
		}
		rest = rest[i:]
		for _, n := range needles {
			if hasPrefixFold(rest, n.text) && provenText(rest[len(n.text):]) {
				return n.typ
			}
		}
	}
	if bytes.Contains(b, []byte("%PDF-1.")) || bytes.Contains(b, []byte("%PDF-2.")) {
		return TypePDF
	}
	return ""
}

// provenText tells whether a tag name ends here and text goes on.
func provenText(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	if bytes.IndexByte([]byte(" \t\r\n\f/>:(;"), b[0]) < 0 {
		return false
	}
	for _, c := range b[:min(len(b), proof)] {
		if c >= 0x7f || c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' {
			return false
		}
	}
	return true
}

// foreignTail looks at what follows the end of an image at offset from. A second JPEG,
// a motion photo's MP4 and the trailers of phone makers are not foreign.
func foreignTail(f file, from int64) string {
	tail := f.clip(from, int64(len(f.head)))
	if f.whole() && hasZIPEnd(tail) {
		return TypeZIP
	}
	start := bytes.TrimLeft(tail, "\x00\xff \t\r\n")
	switch {
	case len(start) == 0:
		return ""
	case isZIP(start):
		return TypeZIP
	case bytes.HasPrefix(start, []byte("%PDF-")):
		return TypePDF
	case isPE(start):
		return TypePE
	case isMPEGTS(start):
		return TypeMPEGTS
	}
	switch t := textType(start); t {
	case TypeHTML, TypeSVG, TypePHP, TypeShell:
		return t
	}
	return foreignInside(tail)
}

// hasZIPEnd tells whether b ends as a ZIP archive does (APPNOTE 4.3.16): readers look
// for the end of the central directory from the back, whatever comes before.
func hasZIPEnd(b []byte) bool {
	const record = 22
	from := max(0, len(b)-record-0xffff)
	for i := len(b) - record; i >= from; i-- {
		if b[i] == 'P' && string(b[i:i+4]) == "PK\x05\x06" &&
			i+record+int(binary.LittleEndian.Uint16(b[i+20:])) == len(b) {
			return true
		}
	}
	return false
}
