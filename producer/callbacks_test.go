package producer_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/producer/events"
	"github.com/afterput/afterput/tasks"
)

var callbackSecret = []byte("callback-0123456789")

func withCallbacks(o *producer.Options) { o.CallbackSecret = callbackSecret }

type callbackAnswer struct {
	Key, UploadID, FileID, Status, Message, Order, RequestID string
	Code                                                     pipeline.Code
	Letter                                                   int64
	Conflicts                                                []string
}

// callbackPath is the path of a URL that we gave away.
func callbackPath(t *testing.T, g events.CallbackGrant) string {
	t.Helper()
	if g.Expires == 0 {
		g.Expires = time.Now().Add(time.Hour).Unix()
	}
	address, err := events.CallbackURL("", callbackSecret, g)
	require.NoError(t, err)
	return address
}

func (w *world) callback(path, body string) answer {
	w.t.Helper()
	return w.do(http.MethodPost, path, "", []byte(body), "Content-Type", "application/x-www-form-urlencoded")
}

func TestPostCallback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withCallbacks)
	one := callbackPath(t, events.CallbackGrant{Bucket: bucket, Key: "users/o1/1.jpg"})
	many := callbackPath(t, events.CallbackGrant{Bucket: bucket, Prefix: "users/o1/"})
	var got callbackAnswer
	w.callback(one, "bucket="+bucket+"&object=users%2Fo1%2F1.jpg&order=A12&position=2").into(t, 200, &got)
	require.Equal(t, "accepted", got.Status)
	require.Equal(t, "cloud://prod."+bucket+"/users/o1/1.jpg", got.FileID)
	require.Equal(t, "A12", got.Order)
	require.NotEmpty(t, got.RequestID)
	u := w.uploads()[0]
	require.Equal(t, "cos-callback", u.Source)
	links, err := w.ledger.Links(t.Context(), u.ID)
	require.NoError(t, err)
	require.Equal(t, 2, *links[0].Position)
	require.Equal(t, 1, w.queued(tasks.QueueChecks), "the check reads the object all the same")

	w.callback(one, "").into(t, 200, &got)
	require.Equal(t, "duplicate", got.Status, "the token says which object it is")
	w.callback(many, `{"object":"users/o1/2.jpg"}`).into(t, 200, &got)
	require.Equal(t, "users/o1/2.jpg", got.Key)
	require.Equal(t, "accepted", got.Status)
}

func TestPostCallbackForged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withCallbacks)
	good := callbackPath(t, events.CallbackGrant{Bucket: bucket, Key: "users/o1/1.jpg"})
	token := good[len(events.CallbackPath)+1:]
	many := callbackPath(t, events.CallbackGrant{Bucket: bucket, Prefix: "users/o1/"})
	for _, tt := range []struct {
		name, path, body string
		status           int
		code             string
	}{
		{"no token", events.CallbackPath, "", 401, "BAD_CALLBACK_TOKEN"},
		{"a bearer key is no token", events.CallbackPath + "?token=" + announceKey, "", 401, "BAD_CALLBACK_TOKEN"},
		{"one letter less", good[:len(good)-1], "", 401, "BAD_CALLBACK_TOKEN"},
		{"two tokens", good + "&" + token, "", 401, "BAD_CALLBACK_TOKEN"},
		{"expired", callbackPath(t, events.CallbackGrant{Bucket: bucket, Key: "users/o1/1.jpg", Expires: 1}), "", 401, "BAD_CALLBACK_TOKEN"},
		{"another object", good, "object=users/o1/2.jpg", 403, "CALLBACK_MISMATCH"},
		{"another bucket", good, "object=users/o1/1.jpg&bucket=plain-1250000000", 403, "CALLBACK_MISMATCH"},
		{"outside of the prefix", many, "object=users/o2/1.jpg", 403, "CALLBACK_MISMATCH"},
		{"another owner", good, "owner=o2", 403, "OWNER_MISMATCH"},
		{"no object", many, "size=7", 400, "MISSING_FIELD"},
		{"a bad name", many, "object=users/o1/../o2/1.jpg", 400, "INVALID_FILE_NAME"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.callback(tt.path, tt.body).requireError(t, tt.status, tt.code)
			require.Empty(t, w.uploads())
		})
	}
	closed := newWorld(t)
	closed.callback(good, "").requireError(t, 401, "BAD_CALLBACK_TOKEN")
}

// TestPostCallbackUnreadable: COS does not try again, so that nothing of it is lost.
func TestPostCallbackUnreadable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withCallbacks)
	var got callbackAnswer
	w.callback(callbackPath(t, events.CallbackGrant{Bucket: bucket, Prefix: "users/o1/"}), "object=%zz").into(t, 202, &got)
	require.Equal(t, "refused", got.Status)
	require.Empty(t, w.uploads())
	require.Equal(t, got.Letter, w.letters()[0].ID)
	require.Contains(t, w.letters()[0].Error, "neither a form nor JSON")

	got = callbackAnswer{}
	w.callback(callbackPath(t, events.CallbackGrant{Bucket: bucket, Key: "users/o1/1.jpg"}), "object=%zz").into(t, 200, &got)
	require.Equal(t, "accepted", got.Status, "the token says which object it is")
	require.Positive(t, got.Letter)
	require.Len(t, w.uploads(), 1)
	u, err := url.Parse(callbackPath(t, events.CallbackGrant{Bucket: bucket, Key: "a"}))
	require.NoError(t, err)
	require.Equal(t, events.CallbackPath, u.Path)
}
