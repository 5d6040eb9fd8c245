package config_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
)

func schemaDocument(t *testing.T) map[string]any {
	t.Helper()
	raw, err := config.Schema()
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	require.NoError(t, err)
	return doc.(map[string]any)
}

func TestSchema(t *testing.T) {
	t.Parallel()
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("afterput.schema.json", schemaDocument(t)))
	schema, err := compiler.Compile("afterput.schema.json")
	require.NoError(t, err)
	validate := func(text string) error {
		raw, err := yaml.YAMLToJSON([]byte(text))
		require.NoError(t, err, text)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		require.NoError(t, err)
		return schema.Validate(doc)
	}
	require.NoError(t, validate(config.Sample()))
	require.NoError(t, validate(config.Encode(full())))
	for _, good := range []string{
		"redis:\n  url: ${file:/run/secrets/redis}", "http:", "pools:\n  checks:\n    concurrency: ${env:N}",
		"check:\n  maxImageBytes: 1000", "check:\n  maxImageBytes: 20 MiB", "auth:\n  jwt:\n    issuer: 7", "sweep:\n  every: 1m30s",
	} {
		require.NoError(t, validate(good), good)
		_, err := config.Load(config.Options{Path: write(t, "afterput.yaml", good), Environ: []string{"N=4"}})
		require.NotContains(t, text(err), "is not a", good)
	}
	for _, bad := range []string{
		"rediss:\n  url: a", "redis:\n  ulr: a", "redis: a", "check:\n  maxImageBytes: big", "check:\n  extension: none",
		"sweep:\n  every: 5 apples", "sweep:\n  every: 5", "pools:\n  checks:\n    concurrency: many", "buckets:\n  name: a",
		"buckets:\n  - nameX: a", "monitor:\n  enabled: sometimes", "check:\n  types: image/jpeg",
	} {
		require.Error(t, validate(bad), bad)
		_, err := config.Load(config.Options{Path: write(t, "afterput.yaml", bad)})
		require.Error(t, err, bad)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestSchemaDescribesEveryKey(t *testing.T) {
	t.Parallel()
	var walk func(path string, section map[string]any) int
	walk = func(path string, section map[string]any) int {
		count := 0
		for name, p := range section["properties"].(map[string]any) {
			p := p.(map[string]any)
			key := strings.TrimPrefix(path+"."+name, ".")
			items, _ := p["items"].(map[string]any)
			switch {
			case p["properties"] != nil:
				count += walk(key, p)
				continue
			case items["properties"] != nil:
				count += walk(key+"[]", items)
			}
			require.NotEmpty(t, p["description"], key)
			require.NotContains(t, p["description"], "](", key)
			count++
		}
		return count
	}
	require.Greater(t, walk("", schemaDocument(t)), 100)
}
