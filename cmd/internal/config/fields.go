package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// child is one key of a section.
type child struct {
	name    string // as in the file
	enum    string // the allowed values, by comma; empty for any
	inherit string // the section whose values stand in for those that are not set
	value   reflect.Value
}

// children lists the keys of a section in the order of the schema, those of an embedded
// struct among them.
func children(section reflect.Value) []child {
	t := section.Type()
	list := make([]child, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		switch {
		case !f.IsExported():
		case f.Anonymous:
			list = append(list, children(section.Field(i))...)
		default:
			list = append(list, child{
				name: f.Tag.Get("yaml"), enum: f.Tag.Get("enum"), inherit: f.Tag.Get("inherit"), value: section.Field(i),
			})
		}
	}
	return list
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// isSection tells a section from a value.
func isSection(t reflect.Type) bool { return t.Kind() == reflect.Struct }

// isSectionList tells a list of sections, such as buckets.
func isSectionList(t reflect.Type) bool { return t.Kind() == reflect.Slice && isSection(t.Elem()) }

// isSecret tells the values that may also come from a file named in the environment.
func isSecret(t reflect.Type) bool {
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t == reflect.TypeFor[Secret]() || t == reflect.TypeFor[URL]()
}

// leaf is one value with its key.
type leaf struct {
	key   string
	enum  string
	value reflect.Value
}

// leaves lists every value under v: lists of sections by element, lists of values whole.
func leaves(v reflect.Value) []leaf { return collect(nil, v, "") }

func collect(list []leaf, section reflect.Value, path string) []leaf {
	for _, c := range children(section) {
		key := join(path, c.name)
		switch {
		case isSection(c.value.Type()):
			list = collect(list, c.value, key)
		case isSectionList(c.value.Type()):
			for i := range c.value.Len() {
				list = collect(list, c.value.Index(i), index(key, i))
			}
		default:
			list = append(list, leaf{key: key, enum: c.enum, value: c.value})
		}
	}
	return list
}

// newElement makes an element of a list of sections with its defaults.
func newElement(t reflect.Type) reflect.Value {
	p := reflect.New(t)
	if d, ok := reflect.TypeAssert[defaulter](p); ok {
		d.setDefaults()
	}
	return p.Elem()
}

// wrong is a value that cannot be read: a reason that reads on from the key, and a fix.
type wrong struct{ reason, fix string }

// Error prints reason and fix.
func (w *wrong) Error() string { return w.reason + ": " + w.fix }

func wrongf(fix, format string, args ...any) error {
	return &wrong{reason: fmt.Sprintf(format, args...), fix: fix}
}

// setText reads one value from text.
func setText(v reflect.Value, text string) error {
	switch v.Type() {
	case reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(strings.TrimSpace(text))
		if err != nil {
			return wrongf("write a number and a unit, such as 500ms, 30s or 24h", "is %q, which is not a duration", text)
		}
		v.SetInt(int64(d))
		return nil
	case reflect.TypeFor[ByteSize]():
		b, err := ParseByteSize(text)
		if err != nil {
			return wrongf("write a number and a unit, such as 20MB or 64MiB", "is %q, which is not a size", text)
		}
		v.SetInt(int64(b))
		return nil
	}
	switch v.Kind() {
	case reflect.Bool:
		if text != "true" && text != "false" {
			return wrongf("write true or false", "is %q, which is neither true nor false", text)
		}
		v.SetBool(text == "true")
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, v.Type().Bits())
		if err != nil {
			return wrongf("write a whole number", "is %q, which is not a whole number", text)
		}
		v.SetInt(n)
	case reflect.String:
		v.SetString(text)
	default:
		return wrongf("this is a bug of afterput", "has the type %s, which cannot be read", v.Type())
	}
	return nil
}

// setList reads a list of values from texts. A nil list and an empty one are the same.
func setList(v reflect.Value, texts []string) error {
	list := reflect.MakeSlice(v.Type(), len(texts), len(texts))
	for i, text := range texts {
		if err := setText(list.Index(i), text); err != nil {
			return err
		}
	}
	if len(texts) == 0 {
		list = reflect.Zero(v.Type())
	}
	v.Set(list)
	return nil
}

// snake turns maxImageBytes into MAX_IMAGE_BYTES and publicTTL into PUBLIC_TTL.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && !unicode.IsUpper(runes[i-1]) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}
