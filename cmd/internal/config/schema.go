package config

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/afterput/afterput/deploy"
)

// Schema is the JSON Schema (draft 2020-12) of a configuration file, for editors and for
// checks before a deployment. It knows names and types: what Load says of values goes
// further, and Load also takes a number or a boolean between quotes.
func Schema() ([]byte, error) {
	s := schemaWriter{meanings: meanings(deploy.ConfigPage)}
	root := s.section(reflectOf(Default()), "", "")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "afterput.yaml"
	return json.MarshalIndent(root, "", "  ")
}

type object = map[string]any

type schemaWriter struct {
	// meanings are the words of the documentation by key, such as buckets[].name.
	meanings map[string]string
}

// section describes the keys of a section with the defaults that it holds. What it does not
// set itself is as in the section general, if that is not empty.
func (s schemaWriter) section(section reflect.Value, path, general string) object {
	properties := object{}
	for _, c := range children(section) {
		key, t := join(path, c.name), c.value.Type()
		var p object
		switch {
		case isSection(t):
			p = s.section(c.value, key, above(c, general))
		case isSectionList(t):
			p = object{"type": []string{"array", "null"}, "items": s.section(newElement(t.Elem()), key+"[]", aboveElement(c, general))}
		case t.Kind() == reflect.Slice:
			p = object{"type": []string{"array", "null"}, "items": scalar(t.Elem(), c.enum)}
			if c.value.Len() > 0 {
				p["default"] = c.value.Interface()
			}
		default:
			p = scalar(t, c.enum)
			p["default"] = defaultText(c.value)
		}
		meaning := s.meanings[key]
		if same := s.meanings[join(general, c.name)]; meaning == "" && general != "" && same != "" {
			meaning = same
			if !strings.HasSuffix(general, "[]") {
				meaning += " Unless it is set, as " + join(general, c.name) + "."
				delete(p, "default")
			}
		}
		if meaning != "" {
			p["description"] = meaning
		}
		properties[c.name] = p
	}
	return object{"type": []string{"object", "null"}, "additionalProperties": false, "properties": properties}
}

// above gives the section that a section is as, where it sets nothing itself.
func above(c child, general string) string {
	if c.inherit == "" && general != "" {
		return join(general, c.name)
	}
	return c.inherit
}

// aboveElement is above for the elements of a list.
func aboveElement(c child, general string) string {
	if c.inherit == "" && general != "" {
		return join(general, c.name) + "[]"
	}
	return c.inherit
}

// reference is what may stand in the place of every value.
var reference = object{"type": "string", "pattern": `\$\{(file|env):[^}]+\}`}

// scalar describes one value. A key without a value keeps its default.
func scalar(t reflect.Type, enum string) object {
	var p object
	switch {
	case enum != "":
		p = object{"enum": strings.Split(enum, ",")}
	case t == reflect.TypeFor[time.Duration]():
		p = object{"type": "string", "pattern": `^([0-9.]+(ns|us|µs|ms|s|m|h))+$|^0$`}
	case t == reflect.TypeFor[ByteSize]():
		return object{"anyOf": []object{{"type": "integer", "minimum": 0}, {"type": "string", "pattern": `^[0-9]+ *([kKMG]i?)?[bB]?$`}, {"type": "null"}, reference}}
	case t.Kind() == reflect.Bool:
		p = object{"type": "boolean"}
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		p = object{"type": "integer"}
	default:
		// Numbers as well: an unquoted number is text to Load where the key wants text.
		return object{"type": []string{"string", "number", "null"}}
	}
	return object{"anyOf": []object{p, {"type": "null"}, reference}}
}

// defaultText is a default as it stands in the file.
func defaultText(v reflect.Value) any {
	switch value := v.Interface().(type) {
	case bool, int, int64:
		return value
	case time.Duration:
		return duration(value)
	case ByteSize:
		return value.String()
	}
	return v.String()
}

// meanings reads the tables of configuration.md: keys in the first cell, words in the third.
func meanings(page string) map[string]string {
	found := make(map[string]string)
	rows := regexp.MustCompile(`(?m)^\| (.+?) \| (?:.*?) ?\| (.*) \|$`)
	names := regexp.MustCompile("`([^`]+)`")
	link := regexp.MustCompile(`\[([^\]]+)\]\([^)]*\)`)
	for _, row := range rows.FindAllStringSubmatch(page, -1) {
		words := strings.ReplaceAll(link.ReplaceAllString(row[2], "$1"), "`", "")
		for _, name := range names.FindAllStringSubmatch(row[1], -1) {
			found[name[1]] = words
		}
	}
	return found
}
