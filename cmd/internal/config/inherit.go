package config

import (
	"maps"
	"reflect"
	"regexp"
	"strings"
)

// Inherited gives a copy in which every key that a bucket or an order store did not set
// has the value of the section that its inherit tag names. Load gives one; whoever made a
// Config by hand calls it before reading what buckets have of their own. Calling it again
// takes over what has changed since.
func (c *Config) Inherited() *Config {
	out := *c
	out.origins = maps.Clone(c.origins)
	root := reflectOf(&out)
	out.inherit(root, root, "")
	return &out
}

// inherit walks a section. Lists of sections are copied, because their elements change.
func (c *Config) inherit(root, section reflect.Value, path string) {
	for _, f := range children(section) {
		key := join(path, f.name)
		switch {
		case isSection(f.value.Type()) && f.inherit != "":
			c.takeOver(f.value, key, sectionOf(root, f.inherit), f.inherit)
		case isSection(f.value.Type()):
			c.inherit(root, f.value, key)
		case isSectionList(f.value.Type()) && f.value.Len() > 0:
			f.value.Set(cloned(f.value))
			for i := range f.value.Len() {
				if f.inherit != "" {
					c.takeOver(f.value.Index(i), index(key, i), sectionOf(root, f.inherit), f.inherit)
				}
				c.inherit(root, f.value.Index(i), index(key, i))
			}
		}
	}
}

// takeOver sets what a section has not set itself to what another one has under the same
// name.
func (c *Config) takeOver(section reflect.Value, path string, from reflect.Value, fromPath string) {
	above := make(map[string]child)
	for _, f := range children(from) {
		above[f.name] = f
	}
	for _, f := range children(section) {
		key, its, source := join(path, f.name), above[f.name], join(fromPath, f.name)
		switch {
		case !its.value.IsValid() || its.value.Type() != f.value.Type():
		case isSection(f.value.Type()):
			c.takeOver(f.value, key, its.value, source)
		case !c.own(key, f.value):
			f.value.Set(cloned(its.value))
			c.setOrigin(key, Origin{Source: Inherited, Name: source})
		}
	}
}

// own tells whether a key that could be inherited was set. In a Config that was made by
// hand everything is set that is not the zero value.
func (c *Config) own(key string, v reflect.Value) bool {
	if o, ok := c.origins[key]; ok {
		return o.Source != Inherited
	}
	return !v.IsZero()
}

// inherits tells whether a key, or the list that it is in, is not a bucket's own.
func (c *Config) inherits(key string) bool { return c.inheritedFrom(key) != "" }

// inheritedFrom gives the part of a key that is inherited: itself, or the list that it is
// in; "" for neither.
func (c *Config) inheritedFrom(key string) string {
	for i := len(key); i > 0; i = strings.LastIndexAny(key[:i], ".[") {
		if c.origins[key[:i]].Source == Inherited {
			return key[:i]
		}
	}
	return ""
}

func sectionOf(root reflect.Value, name string) reflect.Value {
	for _, f := range children(root) {
		if f.name == name {
			return f.value
		}
	}
	return reflect.Value{}
}

// cloned copies a list, so that nobody changes that of another section.
func cloned(v reflect.Value) reflect.Value {
	if v.Kind() != reflect.Slice || v.IsNil() {
		return v
	}
	list := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	reflect.Copy(list, v)
	return list
}

// general gives the key for all buckets that somebody may have meant by one of a bucket
// that there is not; "" for none.
func (l *loader) general(key string) string {
	name := regexp.MustCompile(`^buckets\[\d+\]\.`).ReplaceAllString(key, "")
	if name == key {
		return ""
	}
	for _, f := range leaves(l.root()) {
		if f.key == name || strings.HasPrefix(f.key, name+".") {
			return name
		}
	}
	return ""
}
