package config

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxElements bounds lists that the environment grows by index.
const maxElements = 100

// EnvName gives the environment variable of a key: redis.url -> AFTERPUT_REDIS_URL,
// buckets[0].secretKey -> AFTERPUT_BUCKETS_0_SECRET_KEY.
func EnvName(key string) string {
	parts := strings.FieldsFunc(key, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	for i, p := range parts {
		parts[i] = snake(p)
	}
	return envPrefix + strings.Join(parts, "_")
}

// environment applies every variable that names a key, and refuses those that look
// like one but are none.
func (l *loader) environment() {
	e := &envReader{loader: l, used: make(map[string]bool)}
	e.section(l.root(), "")
	e.refuseRest()
}

type envReader struct {
	*loader
	used map[string]bool
	// known are the names that would have been read, for suggestions.
	known []string
}

func (e *envReader) section(section reflect.Value, path string) {
	for _, c := range children(section) {
		key := join(path, c.name)
		switch {
		case isSection(c.value.Type()):
			e.section(c.value, key)
		case isSectionList(c.value.Type()):
			e.grow(c.value, key)
			for i := range c.value.Len() {
				e.section(c.value.Index(i), index(key, i))
			}
		default:
			e.value(c.value, key)
		}
	}
}

// grow adds the elements that the environment names beyond those that are there.
func (e *envReader) grow(list reflect.Value, key string) {
	prefix := EnvName(key) + "_"
	seen := make(map[int]bool)
	for name := range e.env {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		digits, _, _ := strings.Cut(rest, "_")
		if i, err := strconv.Atoi(digits); err == nil && i >= 0 && i < maxElements {
			seen[i] = true
		}
	}
	for _, i := range slices.Sorted(maps.Keys(seen)) {
		if i > list.Len() {
			e.found.add("env "+prefix+strconv.Itoa(i)+"_...", index(key, i), "has no element before it",
				"number the elements from 0 without a gap")
			return
		}
		if i == list.Len() {
			list.Set(reflect.Append(list, newElement(list.Type().Elem())))
			e.cfg.setOrigin(index(key, i), Origin{Source: FromEnv, Name: prefix + strconv.Itoa(i) + "_..."})
		}
	}
}

// value applies the variable of one key or, for secrets, the file that NAME_FILE names.
func (e *envReader) value(v reflect.Value, key string) {
	name := EnvName(key)
	e.known, e.used[name] = append(e.known, name), true
	text, ok := e.env[name]
	if isSecret(v.Type()) {
		fileName := name + "_FILE"
		e.known, e.used[fileName] = append(e.known, fileName), true
		if path, fromFile := e.env[fileName]; fromFile {
			if ok {
				e.found.add("env "+name, key, "is set twice", "unset "+name+" or "+fileName)
				return
			}
			content, err := readSecretFile(path)
			if err != nil {
				e.found.add("env "+fileName, key, "cannot be read: "+err.Error(), "correct the path or its permissions")
				return
			}
			text, ok, name = content, true, fileName
		}
	}
	if ok {
		e.apply(v, key, text, Origin{Source: FromEnv, Name: name})
	}
}

// refuseRest refuses variables that begin like a section and name no key in it.
func (e *envReader) refuseRest() {
	// Kubernetes sets these for a Service called afterput-redis; they are not ours.
	service := regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)
	sections := make(map[string]bool)
	for _, c := range children(e.root()) {
		sections[snake(c.name)] = true
	}
	for _, name := range slices.Sorted(maps.Keys(e.env)) {
		rest, ok := strings.CutPrefix(name, envPrefix)
		section, inside, _ := strings.Cut(rest, "_")
		if !ok || e.used[name] || inside == "" || !sections[section] || service.MatchString(name) {
			continue
		}
		e.found.add("env "+name, "", "is not a key", suggest(name, slices.Clone(e.known)))
	}
}

// maxSecretFile bounds files that hold secrets.
const maxSecretFile = 64 << 10

// readSecretFile reads a secret without the newline that editors put at its end.
func readSecretFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.IsDir() || info.Size() > maxSecretFile {
		return "", wrongf("name a file of at most 64 KiB", "%s is not a small file", path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(raw), "\r\n"), nil
}

// Variable is one variable of the environment that Load reads.
type Variable struct {
	Name string
	// Key is the key that it sets; lists of sections are shown with their first element.
	Key string
	// Default is the value of the key where nothing sets it.
	Default string
	// Secret variables may also be set by the path of a file, in Name with _FILE.
	Secret bool
}

// Variables lists them in the order of the schema.
func Variables() []Variable {
	c := Default()
	oneOfEach(reflectOf(c))
	list := leaves(reflectOf(c))
	variables := make([]Variable, len(list))
	for i, l := range list {
		variables[i] = Variable{Name: EnvName(l.key), Key: l.key, Default: show(l.value, false), Secret: isSecret(l.value.Type())}
	}
	return variables
}

// oneOfEach leaves one element in every list of sections.
func oneOfEach(section reflect.Value) {
	for _, c := range children(section) {
		switch {
		case isSection(c.value.Type()):
			oneOfEach(c.value)
		case isSectionList(c.value.Type()):
			list := reflect.MakeSlice(c.value.Type(), 1, 1)
			list.Index(0).Set(newElement(c.value.Type().Elem()))
			c.value.Set(list)
			oneOfEach(list.Index(0))
		}
	}
}
