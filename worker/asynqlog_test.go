package worker

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/seldom"
)

func TestAsynqLogThinsWhatRepeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := newAsynqLog(slog.New(slog.NewTextHandler(&out, nil)))
		for range 50 {
			log.Error("Subscriber error: ", "refused")
			log.Warn("another line")
			log.Error("Dequeue error: ", "refused") // the brake tells it
		}
		require.Equal(t, 2, strings.Count(out.String(), "\n"))
		time.Sleep(seldom.Every)
		log.Error("Subscriber error: ", "refused")
		require.Contains(t, out.String(), "repeated=49")
	})
}
