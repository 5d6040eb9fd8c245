package seldom_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/seldom"
)

// TestLine: each kind is logged at once and then every ten seconds, with the number of
// lines that were not; those are there for whoever wants to see everything.
func TestLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := seldom.New(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
		lines := func(level string) int { return strings.Count(out.String(), "level="+level+" ") }
		for range 50 {
			log.Line(t.Context(), slog.LevelWarn, "ledger", "refused", "n", 1)
			log.Line(t.Context(), slog.LevelError, "redis", "away")
		}
		require.Equal(t, 1, lines("WARN"))
		require.Equal(t, 1, lines("ERROR"))
		require.Equal(t, 98, lines("DEBUG"))
		time.Sleep(seldom.Every)
		log.Line(t.Context(), slog.LevelWarn, "ledger", "refused", "n", 2)
		require.Contains(t, out.String(), "level=WARN msg=refused n=2 repeated=49\n")
		time.Sleep(seldom.Every)
		log.Line(t.Context(), slog.LevelWarn, "ledger", "refused", "n", 3)
		require.Contains(t, out.String(), "n=3 repeated=0\n")
	})
}

// TestManyKinds: whoever makes a kind of each line gets each line, and fills no memory.
func TestManyKinds(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := seldom.New(slog.New(slog.NewTextHandler(&out, nil)))
	for n := range 1000 {
		log.Line(t.Context(), slog.LevelWarn, fmt.Sprint(n), "one of many")
	}
	require.Equal(t, 1000, strings.Count(out.String(), "\n"))
	log.Line(t.Context(), slog.LevelWarn, "0", "one of many")
	require.Equal(t, 1001, strings.Count(out.String(), "\n"), "forgotten")
}
