package config

import (
	"strings"
)

// Finding is one thing that is wrong with a configuration.
type Finding struct {
	// Where is file:line, "env NAME" or "flag"; empty for what is set nowhere.
	Where string
	// Key is the key as in the file: check.maxPixels. Empty for the file as a whole.
	Key string
	// Reason says what is wrong, so that it reads on from the key: "is not set".
	Reason string
	// Fix says what to do.
	Fix string
}

// String prints the finding on one line: where: key reason: fix.
func (f Finding) String() string {
	s := f.Reason
	if f.Key != "" {
		s = f.Key + " " + s
	}
	if f.Where != "" {
		s = f.Where + ": " + s
	}
	if f.Fix != "" {
		s += ": " + f.Fix
	}
	return s
}

// Error is everything that is wrong with a configuration, at once.
type Error struct {
	Findings []Finding
}

// Error prints one finding per line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Findings))
	for i, f := range e.Findings {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// findings collects; its err is nil where nothing was found.
type findings struct {
	list []Finding
}

func (f *findings) add(where, key, reason, fix string) {
	f.list = append(f.list, Finding{Where: where, Key: key, Reason: reason, Fix: fix})
}

func (f *findings) err() error {
	if len(f.list) == 0 {
		return nil
	}
	return &Error{Findings: f.list}
}
