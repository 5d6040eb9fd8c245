package pipeline_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

type notifierFunc func(e pipeline.Event) (bool, error)

func (f notifierFunc) Notify(_ context.Context, _ string, e pipeline.Event) (bool, error) {
	return f(e)
}

func TestNotify(t *testing.T) {
	t.Parallel()
	o := pipeline.Outcome{UploadID: "0af3", Revision: 2, Key: "a.jpg", State: pipeline.UploadDone}
	for _, tt := range []struct {
		name  string
		sent  bool
		err   error
		want  pipeline.StepState
		class pipeline.Class
	}{
		{name: "delivered", sent: true, want: pipeline.Done},
		{name: "nobody subscribed", want: pipeline.Skipped},
		{name: "network", err: errNetwork, class: pipeline.Transient},
		{name: "its own class", err: pipeline.Errorf(pipeline.Denied, "hooks", "", "401"), class: pipeline.Denied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var ids []string
			to := notifierFunc(func(e pipeline.Event) (bool, error) {
				require.Equal(t, o, e.Data)
				ids = append(ids, e.ID)
				return tt.sent, tt.err
			})
			for range 2 {
				res, err := pipeline.Notify(t.Context(), to, "shop", o.Event())
				require.Equal(t, tt.class, pipeline.ClassOf(err))
				require.Equal(t, tt.want, res.State)
			}
			require.Equal(t, []string{"0af3.2", "0af3.2"}, ids, "the same ID however often it is tried")
		})
	}
	require.Equal(t, "0af3.10", pipeline.WebhookID("0af3", 10))
	require.Equal(t, "upload.done", o.Type())
}

func TestOrderEvent(t *testing.T) {
	t.Parallel()
	u := pipeline.OrderUpdate{Order: "A12", Revision: 3, Owner: "oX", FileIDs: []string{"cos://b/1.jpg"}, At: time.Unix(1, 0)}
	e := u.Event()
	require.Equal(t, pipeline.Event{ID: "ord_" + pipeline.OrderHash("A12") + ".3", Type: "order.updated", At: u.At, Data: u}, e)
	for _, endpoint := range []string{"", "crm"} {
		require.Equal(t, endpoint, pipeline.EndpointOf(endpoint))
		for _, order := range []string{"A12", "a/b", "/", ""} {
			scope := pipeline.OrderScope(endpoint, order)
			require.NotEqual(t, endpoint, scope)
			require.Equal(t, endpoint, pipeline.EndpointOf(scope))
		}
	}
}
