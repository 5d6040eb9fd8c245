package config

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// FileName is the file that is read from the working directory where none is named.
const FileName = "afterput.yaml"

// envPrefix begins the environment variable of every key.
const envPrefix = "AFTERPUT_"

// Options say where a configuration comes from. The zero value gives the defaults and
// ./afterput.yaml where it exists.
type Options struct {
	// Path is the file; it must exist. Empty: AFTERPUT_CONFIG, else ./afterput.yaml
	// where it exists, else no file.
	Path string
	// Environ is the environment in the form of os.Environ. Nil: none. A variable that
	// is set but empty counts as not set, because compose files write it so.
	Environ []string
	// Flags are values of the command line by key: {"redis.url": "redis://..."}. Lists
	// of values are written with commas.
	Flags map[string]string
}

// Load gathers the configuration and validates its shape. A configuration that is wrong
// gives an *Error with every finding, and no Config.
func Load(o Options) (*Config, error) {
	l := &loader{cfg: Default(), env: environ(o.Environ)}
	l.file(o.Path)
	l.environment()
	l.flags(o.Flags)
	l.cfg = l.cfg.Inherited()
	l.validate()
	if err := l.found.err(); err != nil {
		return nil, err
	}
	return l.cfg, nil
}

// validate adds what is wrong with values that could be read. Of one that could not,
// the finding is there already.
func (l *loader) validate() {
	unread := make(map[string]bool)
	for _, f := range l.found.list {
		unread[f.Key] = true
	}
	for _, f := range l.cfg.check() {
		if !unread[f.Key] {
			l.found.list = append(l.found.list, f)
		}
	}
}

type loader struct {
	cfg   *Config
	env   map[string]string
	found findings
}

func environ(list []string) map[string]string {
	env := make(map[string]string, len(list))
	for _, pair := range list {
		if name, value, ok := strings.Cut(pair, "="); ok && value != "" {
			env[name] = value
		}
	}
	return env
}

func (l *loader) root() reflect.Value { return reflect.ValueOf(l.cfg).Elem() }

// file finds, reads and applies the file.
func (l *loader) file(path string) {
	where, optional := "", false
	if path == "" {
		path, where = l.env[envPrefix+"CONFIG"], "env "+envPrefix+"CONFIG"
	}
	if path == "" {
		path, where, optional = FileName, "", true
	}
	raw, err := os.ReadFile(path)
	switch {
	case err == nil:
		r := &fileReader{loader: l, path: path, dir: filepath.Dir(path)}
		r.read(raw)
	case optional && errors.Is(err, fs.ErrNotExist):
	default:
		l.found.add(where, "", "cannot read the configuration file: "+err.Error(),
			`correct the path, or write one with "afterput config init"`)
	}
}

// flags applies the command line, the strongest source.
func (l *loader) flags(flags map[string]string) {
	known := make(map[string]reflect.Value)
	for _, leaf := range leaves(l.root()) {
		known[leaf.key] = leaf.value
	}
	for _, key := range slices.Sorted(maps.Keys(flags)) {
		v, ok := known[key]
		if !ok {
			l.found.add(string(FromFlag), key, "is not a key", suggest(key, slices.Collect(maps.Keys(known))))
			continue
		}
		l.apply(v, key, flags[key], Origin{Source: FromFlag})
	}
}

// apply reads one text into a value or, split at commas, into a list of values.
func (l *loader) apply(v reflect.Value, key, text string, o Origin) {
	err := error(nil)
	if v.Kind() == reflect.Slice {
		err = setList(v, splitList(text))
	} else {
		err = setText(v, text)
	}
	l.settle(key, o, err)
}

// settle notes where a value came from, or why it could not be read.
func (l *loader) settle(key string, o Origin, err error) {
	if err == nil {
		l.cfg.setOrigin(key, o)
		return
	}
	if w, ok := errors.AsType[*wrong](err); ok {
		l.found.add(o.String(), key, w.reason, w.fix)
		return
	}
	l.found.add(o.String(), key, err.Error(), "")
}

// splitList splits at commas and newlines and drops what is empty.
func splitList(text string) []string {
	var list []string
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// suggest words the fix for an unknown name.
func suggest(name string, candidates []string) string {
	slices.Sort(candidates)
	if near := nearest(name, candidates); near != "" {
		return "did you mean " + near + "?"
	}
	return "remove it"
}
