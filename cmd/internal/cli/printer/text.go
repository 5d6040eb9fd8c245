package printer

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// text prints one value for people and pipes.
func (p *Printer) text(v any) string {
	switch t := v.(type) {
	case nil:
		return ""
	case string:
		return Escape(t)
	case time.Time:
		return p.time(t)
	case *time.Time:
		if t == nil {
			return ""
		}
		return p.time(*t)
	case []string:
		return Escape(strings.Join(t, ","))
	case *int:
		if t == nil {
			return ""
		}
		return fmt.Sprint(*t)
	case bool:
		if t {
			return "yes"
		}
		return "no"
	}
	return Escape(fmt.Sprint(v))
}

func (p *Printer) time(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case p.opt.Time == "unix":
		return fmt.Sprint(t.Unix())
	case p.opt.Time == "relative":
		return relative(p.opt.Now().Sub(t))
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// relative prints 12s ago, 3m ago, 5h ago, 2d ago, or in 4s.
func relative(d time.Duration) string {
	form := "%s ago"
	if d < 0 {
		form, d = "in %s", -d
	}
	switch {
	case d < time.Minute:
		return fmt.Sprintf(form, fmt.Sprintf("%ds", int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf(form, fmt.Sprintf("%dm", int(d.Minutes())))
	case d < 48*time.Hour:
		return fmt.Sprintf(form, fmt.Sprintf("%dh", int(d.Hours())))
	}
	return fmt.Sprintf(form, fmt.Sprintf("%dd", int(d.Hours()/24)))
}

// Escape makes text safe for a terminal and keeps it on one line: control characters,
// those that turn the direction of text, and bytes that are no UTF-8 become \n, \t,
// \x1b or \u202e.
func Escape(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, unsafeRune) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unsafeRune(r) && r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case unsafeRune(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// unsafeRune tells what a terminal obeys instead of showing: C0, DEL, C1, line and
// paragraph separators, and the bidirectional controls (Unicode TR 36).
func unsafeRune(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\u061c' ||
		r == '\u200e' || r == '\u200f' || (r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069')
}

// Width counts the columns that s takes in a terminal: two for East Asian wide
// characters and emoji, none for marks that combine with the character before.
func Width(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me) || r == '\u200b' || r == '\u200d':
		case wide(r):
			n += 2
		default:
			n++
		}
	}
	return n
}

// wide is the simple rule of Unicode TR 11: the blocks that are wide as a whole.
func wide(r rune) bool {
	return r >= 0x1100 && r <= 0x115f || // Hangul jamo
		r >= 0x2e80 && r <= 0x303e || // CJK radicals and punctuation
		r >= 0x3041 && r <= 0xa4cf || // kana to Yi, with the CJK ideographs
		r >= 0xac00 && r <= 0xd7a3 || // Hangul
		r >= 0xf900 && r <= 0xfaff || // compatibility ideographs
		r >= 0xfe30 && r <= 0xfe6f || // vertical and small forms
		r >= 0xff00 && r <= 0xff60 || r >= 0xffe0 && r <= 0xffe6 || // fullwidth forms
		r >= 0x1f300 && r <= 0x1f64f || r >= 0x1f900 && r <= 0x1faff || // emoji
		r >= 0x20000 && r <= 0x3fffd // supplementary ideographs
}
