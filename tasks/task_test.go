package tasks_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, kind, in string
		want           tasks.Job
	}{
		{name: "check", kind: "afterput:check", in: `{"v":1,"upload":"0af3","gen":2}`, want: tasks.Job{Run: pipeline.Run{UploadID: "0af3", Step: pipeline.StepCheck, Gen: 2}}},
		{name: "thumbnail", kind: "afterput:thumbnail", in: `{"v":1,"upload":"0af3","gen":1}`, want: tasks.Job{Run: pipeline.Run{UploadID: "0af3", Step: pipeline.StepThumbnail, Gen: 1}}},
		{name: "attach", kind: "afterput:attach", in: `{"v":1,"upload":"0af3","order":"A/12","gen":1}`, want: tasks.Job{Run: pipeline.Run{UploadID: "0af3", Step: pipeline.StepAttach, Scope: "A/12", Gen: 1}}},
		{name: "warm", kind: "afterput:warm", in: `{"v":1,"bucket":"b-1"}`, want: tasks.Job{Run: pipeline.Run{Step: pipeline.StepWarm}, Bucket: "b-1"}},
		{name: "notify", kind: "afterput:notify", in: ` {"v":1,"upload":"0af3","gen":1} `, want: tasks.Job{Run: pipeline.Run{UploadID: "0af3", Step: pipeline.StepNotify, Gen: 1}}},
		{name: "notify one endpoint", kind: "afterput:notify", in: `{"v":1,"upload":"0af3","gen":1,"endpoint":"shop"}`, want: tasks.Job{Run: pipeline.Run{UploadID: "0af3", Step: pipeline.StepNotify, Scope: "shop", Gen: 1}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tasks.Decode(tt.kind, []byte(tt.in))
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const check, attach, warm = "afterput:check", "afterput:attach", "afterput:warm"
	for _, tt := range []struct{ name, kind, in string }{
		{"another program's type", "email:send", `{"v":1,"upload":"0af3","gen":1}`},
		{"no prefix", "check", `{"v":1,"upload":"0af3","gen":1}`},
		{"unknown step", "afterput:bake", `{"v":1,"upload":"0af3","gen":1}`},
		{"empty step", "afterput:", `{"v":1,"upload":"0af3","gen":1}`},
		{"prefix twice", "afterput:afterput:check", `{"v":1,"upload":"0af3","gen":1}`},
		{"empty type", "", `{"v":1,"upload":"0af3","gen":1}`},
		{"no payload", check, ``},
		{"null", check, `null`},
		{"text", check, `hello`},
		{"an array", check, `[1]`},
		{"a string", check, `"0af3"`},
		{"bytes", check, "\x00\xff\xfe"},
		{"cut off", check, `{"v":1,"upload":"0af3","gen":1`},
		{"no version", check, `{"upload":"0af3","gen":1}`},
		{"a newer version", check, `{"v":2,"upload":"0af3","gen":1}`},
		{"unknown field", check, `{"v":1,"upload":"0af3","gen":1,"bytes":"AAAA"}`},
		{"wrong type of a field", check, `{"v":1,"upload":7,"gen":1}`},
		{"gen that is no whole number", check, `{"v":1,"upload":"0af3","gen":1.5}`},
		{"no upload", check, `{"v":1,"gen":1}`},
		{"no gen", check, `{"v":1,"upload":"0af3"}`},
		{"negative gen", check, `{"v":1,"upload":"0af3","gen":-1}`},
		{"attach without order", attach, `{"v":1,"upload":"0af3","gen":1}`},
		{"check with an order", check, `{"v":1,"upload":"0af3","order":"A12","gen":1}`},
		{"check with a bucket", check, `{"v":1,"upload":"0af3","bucket":"b-1","gen":1}`},
		{"warm without bucket", warm, `{"v":1}`},
		{"warm with an upload", warm, `{"v":1,"bucket":"b-1","upload":"0af3"}`},
		{"warm with a gen", warm, `{"v":1,"bucket":"b-1","gen":1}`},
		{"check with an endpoint", check, `{"v":1,"upload":"0af3","endpoint":"shop","gen":1}`},
		{"attach with an endpoint", attach, `{"v":1,"upload":"0af3","order":"A12","endpoint":"shop","gen":1}`},
		{"notify with an order", "afterput:notify", `{"v":1,"upload":"0af3","order":"A12","gen":1}`},
		{"warm with an order", warm, `{"v":1,"bucket":"b-1","order":"A12"}`},
		{"a second object", check, `{"v":1,"upload":"0af3","gen":1}{"v":1}`},
		{"a brace too many", check, `{"v":1,"upload":"0af3","gen":1}}`},
		{"a bracket too many", check, `{"v":1,"upload":"0af3","gen":1}]`},
		{"text behind", check, `{"v":1,"upload":"0af3","gen":1} and more`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tasks.Decode(tt.kind, []byte(tt.in))
			require.Error(t, err)
			require.Equal(t, pipeline.Bug, pipeline.ClassOf(err))
			require.Zero(t, got)
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("afterput:check", []byte(`{"v":1,"upload":"0af3","gen":1}`))
	f.Add("afterput:attach", []byte(`{"v":1,"upload":"0af3","order":"A","gen":1}`))
	f.Add("afterput:warm", []byte(`{"v":1,"bucket":"b"}`))
	f.Add("email:send", []byte(`{}`))
	f.Add("afterput:check", []byte(`{"v":1}]`))
	f.Fuzz(func(t *testing.T, kind string, data []byte) {
		job, err := tasks.Decode(kind, data)
		if err != nil {
			require.Equal(t, pipeline.Bug, pipeline.ClassOf(err))
			require.Zero(t, job)
			return
		}
		require.True(t, json.Valid(data))
		require.Equal(t, kind, tasks.TypeOf(job.Step))
		require.Contains(t, tasks.Queues(), tasks.QueueOf(job.Step))
		require.Equal(t, job.Step == pipeline.StepWarm, job.Bucket != "")
		require.Equal(t, job.Step == pipeline.StepAttach, job.Scope != "")
	})
}

// TestID: the ID of a task is unique among all runs, and asynqmon can have it in a path.
func TestID(t *testing.T) {
	t.Parallel()
	upload := pipeline.UploadID("b-1", "users/o1/1.jpg")
	require.Equal(t, "check:"+upload+":1", tasks.ID(pipeline.Run{UploadID: upload, Step: pipeline.StepCheck, Gen: 1}))
	require.Equal(t, "attach:"+upload+":"+pipeline.OrderHash("A/12:3")+":4",
		tasks.ID(pipeline.Run{UploadID: upload, Step: pipeline.StepAttach, Scope: "A/12:3", Gen: 4}))

	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) pipeline.Run {
			step := rapid.SampledFrom(pipeline.Steps()).Draw(t, label+" step")
			r := pipeline.Run{
				UploadID: pipeline.UploadID("b", rapid.SampledFrom([]string{"x", "y", "y/z"}).Draw(t, label+" key")),
				Step:     step, Gen: rapid.IntRange(1, 12).Draw(t, label+" gen"),
			}
			if step == pipeline.StepAttach {
				r.Scope = rapid.SampledFrom([]string{"A", "A/1", "A:1", "订单"}).Draw(t, label+" order")
			}
			return r
		}
		a, b := draw("a"), draw("b")
		require.Equal(t, a == b, tasks.ID(a) == tasks.ID(b))
		require.Regexp(t, `^[a-z0-9:]+$`, tasks.ID(a))
		step, upload, gen, ok := tasks.ParseID(tasks.ID(a))
		require.Equal(t, a.Step != pipeline.StepWarm, ok)
		if ok {
			require.Equal(t, pipeline.Run{UploadID: a.UploadID, Step: a.Step, Gen: a.Gen}, pipeline.Run{UploadID: upload, Step: step, Gen: gen})
		}
	})
}

func TestQueues(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range pipeline.Steps() {
		require.Contains(t, tasks.Queues(), tasks.QueueOf(s))
		require.False(t, seen[tasks.QueueOf(s)], "each step has a queue of its own")
		seen[tasks.QueueOf(s)] = true
		require.True(t, strings.HasPrefix(tasks.TypeOf(s), "afterput:"))
		require.Positive(t, tasks.DefaultTimeouts()[s])
	}
	require.Len(t, seen, len(tasks.Queues()))
	require.Empty(t, tasks.QueueOf("bake"))
}
