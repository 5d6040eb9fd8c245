package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/afterput/afterput/cmd/internal/config"
)

// FuzzLoad holds that no file ends the process: it loads, or it gives findings.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		config.Sample(), config.Encode(full()), "", "a: [", "redis: &x {url: *x}", "- a\n- b", "? a\n: b",
		"log: !!str {level: info}", "<<: {log: {}}", "thumbnails: {presets: [null, 1, {name: a}]}", "hooks: {url: \"${env:\"}",
	} {
		f.Add(seed)
	}
	path := filepath.Join(f.TempDir(), config.FileName)
	f.Fuzz(func(t *testing.T, content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := config.Load(config.Options{Path: path})
		if _, ok := errors.AsType[*config.Error](err); err != nil && !ok {
			t.Fatalf("error of another type: %v", err)
		}
	})
}
