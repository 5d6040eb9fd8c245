package producer_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

func cloudEvent(data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"1","type":"cos:created:object","source":"cos.cloud.tencent","time":"1615430559146","data":%s}`, data)
}

func (w *world) bridge(body string, headers ...string) answer {
	w.t.Helper()
	return w.do(http.MethodPost, "/v1/events/eventbridge", announceKey, []byte(body), headers...)
}

func (w *world) letters() []pipeline.Letter {
	w.t.Helper()
	all, err := w.ledger.Letters(w.t.Context(), ledger.LetterFilter{})
	require.NoError(w.t, err)
	return all
}

func TestPostEventBridge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	odd := cloudEvent(`{"bucket":"b","object":"a.jpg"}`)
	body := "[" + cloudEvent(cosEvent("ObjectCreated:Put", "users/o1/1.jpg", "users/o1/1.jpg", "")) + "," + odd + "]"
	var got eventAnswer
	w.bridge(body).into(t, 202, &got)
	require.Equal(t, "accepted", got.Results[0].Status)
	require.Equal(t, "eventbridge", w.uploads()[0].Source)
	require.Equal(t, pipeline.Code("UNREADABLE_RECORD"), got.Results[1].Code)
	require.Equal(t, 1, w.queued(tasks.QueueChecks))

	kept := w.letters()
	require.Len(t, kept, 1)
	require.Equal(t, got.Results[1].Letter, kept[0].ID, "the answer names the letter")
	require.Equal(t, pipeline.Invalid, kept[0].Class)
	require.Equal(t, "events/eventbridge", kept[0].TaskType)
	require.JSONEq(t, odd, string(kept[0].Payload))

	w.bridge(body).into(t, 202, &got)
	require.Equal(t, "duplicate", got.Results[0].Status)
	require.Len(t, w.letters(), 1, "the same again is the same letter")
}

// TestLetterNeedsTheLedger: what cannot be kept is not answered as kept.
func TestLetterNeedsTheLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.db.SQL().ExecContext(t.Context(), "DROP TABLE dead_letters")
	require.NoError(t, err)
	w.bridge(cloudEvent(`{}`)).requireError(t, 503, "UNAVAILABLE")
}

func TestPostMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inner := cosEvent("ObjectCreated:Put", "users/o1/1.jpg", "users/o1/1.jpg", "")
	message := fmt.Sprintf(`{"Records":[{"CMQ":{"msgBody":%q}},{"CMQ":{"msgBody":"hello"}}]}`, inner)
	var got eventAnswer
	w.event(message).into(t, 202, &got)
	require.Equal(t, "accepted", got.Results[0].Status)
	require.Equal(t, "refused", got.Results[1].Status)
	require.Len(t, w.letters(), 1)
	require.Contains(t, string(w.letters()[0].Payload), "hello")
	require.True(t, strings.HasPrefix(w.uploads()[0].Key, "users/o1/"))
}
