package config_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
)

// TestVariables sets every variable that is listed, and then every one with _FILE.
func TestVariables(t *testing.T) {
	t.Parallel()
	list := config.Variables()
	require.Greater(t, len(list), 100)
	var plain, files []string
	for _, v := range list {
		plain = append(plain, v.Name+"=?")
		files = append(files, v.Name+"_FILE=/nowhere")
	}
	path := write(t, "afterput.yaml", "")
	_, err := config.Load(config.Options{Path: path, Environ: plain})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "is not a key")

	_, err = config.Load(config.Options{Path: path, Environ: files})
	require.Error(t, err)
	for _, v := range list {
		name := v.Name + "_FILE"
		if slices.ContainsFunc(list, func(other config.Variable) bool { return other.Name == name }) {
			continue // auth.jwt.rs256PublicKeyFile is a key of its own
		}
		if v.Secret {
			require.Contains(t, err.Error(), "env "+name+": "+v.Key+" cannot be read")
		} else {
			require.Contains(t, err.Error(), "env "+name+": is not a key")
		}
	}
	i := slices.IndexFunc(list, func(v config.Variable) bool { return v.Key == "buckets[0].secretKey" })
	require.Equal(t, config.Variable{Name: "AFTERPUT_BUCKETS_0_SECRET_KEY", Key: "buckets[0].secretKey", Default: `""`, Secret: true}, list[i])
}
