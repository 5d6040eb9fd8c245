package cli

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline/probe/samples"
)

func TestThumbChild(t *testing.T) {
	t.Parallel()
	require.NotContains(t, do(t, "--help").out, wire.ThumbChild, "it is hidden")
	data := samples.PNG(4, 4)
	header, err := json.Marshal(map[string]any{
		"facts":   map[string]any{"Type": "image/png", "Width": 4, "Height": 4, "Frames": 1},
		"size":    len(data),
		"presets": []map[string]any{{"Name": "small", "Width": 2, "Height": 2}},
	})
	require.NoError(t, err)
	r := doWith(t, nil, string(header)+"\n"+string(data), wire.ThumbChild)
	require.Zero(t, r.code, r.err)
	made, ok := r.object(t)["thumbnails"].([]any)
	require.True(t, ok, r.out)
	require.Len(t, made, 1)
	require.NotZero(t, do(t, wire.ThumbChild).code, "without an order")
}
