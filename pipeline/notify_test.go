package pipeline_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

type notifierFunc func(id string, o pipeline.Outcome) (bool, error)

func (f notifierFunc) Notify(_ context.Context, _, id string, o pipeline.Outcome) (bool, error) {
	return f(id, o)
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
			to := notifierFunc(func(id string, got pipeline.Outcome) (bool, error) {
				require.Equal(t, o, got)
				ids = append(ids, id)
				return tt.sent, tt.err
			})
			for range 2 {
				res, err := pipeline.Notify(t.Context(), to, "shop", o)
				require.Equal(t, tt.class, pipeline.ClassOf(err))
				require.Equal(t, tt.want, res.State)
			}
			require.Equal(t, []string{"0af3.2", "0af3.2"}, ids, "the same ID however often it is tried")
		})
	}
	require.Equal(t, "0af3.10", pipeline.WebhookID("0af3", 10))
	require.Equal(t, "upload.done", o.Type())
}
