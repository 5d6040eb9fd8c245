package hooks_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/hooks"
)

const schemaFile = "../../deploy/docs/webhook.schema.json"

// validate holds a body against the published schema.
func validate(t *testing.T, body []byte) error {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile(schemaFile)
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	require.NoError(t, err)
	return schema.Validate(doc)
}

// kinds gives an outcome of each kind, full and bare.
func kinds() map[string]pipeline.Outcome {
	position := 0
	bare := pipeline.Outcome{
		UploadID: "5f2c", Revision: 1, FileID: "cos://photos-125/users/oX/1.jpg", Bucket: "photos-125",
		Key: "users/oX/1.jpg", At: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC),
	}
	of := func(state pipeline.State, change func(*pipeline.Outcome)) pipeline.Outcome {
		o := bare
		o.State = state
		change(&o)
		return o
	}
	full := func(o *pipeline.Outcome) {
		o.FileID, o.Owner, o.ETag, o.Size, o.ContentType = "cloud://env.photos-125/users/oX/图.jpg", "oX", "5d41", 204884, "image/jpeg"
		o.Width, o.Height, o.Visibility = 1080, 1920, "private"
		o.Orders = []pipeline.OutcomeOrder{{Order: "A12", Position: &position, Attached: true}, {Order: "A13"}}
		o.Thumbnails = []pipeline.OutcomeThumbnail{{Preset: "small", Key: "thumbs/small/users/oX/1.jpg.jpg", ContentType: "image/jpeg", Width: 90, Height: 160, Bytes: 1965}}
	}
	return map[string]pipeline.Outcome{
		"done":           of(pipeline.UploadDone, full),
		"a video":        of(pipeline.UploadDone, func(o *pipeline.Outcome) { o.ETag, o.Size, o.ContentType = "5d41", 9, "video/mp4" }),
		"rejected":       of(pipeline.UploadRejected, func(o *pipeline.Outcome) { o.Reason, o.Detail = pipeline.CodeTooLarge, "25 MB: at most 20 MB" }),
		"empty file":     of(pipeline.UploadRejected, func(o *pipeline.Outcome) { o.Reason, o.ETag = pipeline.CodeEmptyFile, "d41d" }),
		"dead":           of(pipeline.UploadDead, func(o *pipeline.Outcome) { full(o); o.DeadSteps = []pipeline.Step{pipeline.StepAttach} }),
		"dead at once":   of(pipeline.UploadDead, func(o *pipeline.Outcome) { o.DeadSteps = []pipeline.Step{pipeline.StepCheck} }),
		"discarded":      of(pipeline.UploadDiscarded, func(*pipeline.Outcome) {}),
		"gone":           of(pipeline.UploadGone, func(o *pipeline.Outcome) { o.Reason, o.Detail = pipeline.CodeObjectGone, "not there" }),
		"gone, was full": of(pipeline.UploadGone, func(o *pipeline.Outcome) { full(o); o.Reason = pipeline.CodeObjectGone }),
	}
}

// updates gives order.updated, full and bare.
func updates() map[string]pipeline.OrderUpdate {
	return map[string]pipeline.OrderUpdate{
		"full": {Order: "A12", Revision: 2, Owner: "oX", FileIDs: []string{"cloud://env.b-1/users/oX/图.jpg", "/own/entry.jpg"}},
		"bare": {Order: "A12", Revision: 1, FileIDs: []string{}},
	}
}

func TestSchemaHoldsForEveryKind(t *testing.T) {
	t.Parallel()
	for name, o := range kinds() {
		body, err := hooks.Body(o.Event())
		require.NoError(t, err)
		require.NoError(t, validate(t, body), "%s: %s", name, body)
		require.NotContains(t, string(body), "http", name)
	}
	for name, u := range updates() {
		body, err := hooks.Body(u.Event())
		require.NoError(t, err)
		require.NoError(t, validate(t, body), "%s: %s", name, body)
	}
	body, err := hooks.TryBody("crm", time.Now())
	require.NoError(t, err)
	require.NoError(t, validate(t, body))
}

func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	done, err := hooks.Body(kinds()["done"].Event())
	require.NoError(t, err)
	order, err := hooks.Body(updates()["full"].Event())
	require.NoError(t, err)
	rejected, err := hooks.Body(kinds()["rejected"].Event())
	require.NoError(t, err)
	for _, c := range []struct{ body, was, is string }{
		{string(done), `"type":"upload.done"`, `"type":"upload.gone"`},
		{string(done), `"type":"upload.done"`, `"type":"upload.lost"`},
		{string(done), `cloud://env.photos-125/users/oX/图.jpg`, `https://photos/users/oX/1.jpg?sign=1`},
		{string(done), `"position":0`, `"position":"0"`},
		{string(done), `"revision":1`, `"revision":0`},
		{string(done), `T10:00:00Z`, `T10:00:00+08:00`},
		{string(done), `"preset":"small"`, `"size":"small"`},
		{string(order), `"revision":2`, `"revision":0`},
		{string(order), `"order":"A12"`, `"order":""`},
		{string(order), `"type":"order.updated"`, `"type":"upload.done"`},
		{string(rejected), `"reason":"TOO_LARGE",`, ``},
	} {
		require.Contains(t, c.body, c.was)
		require.Error(t, validate(t, []byte(strings.Replace(c.body, c.was, c.is, 1))), c.is)
	}
}

// TestSchemaNamesEveryField: what a body can hold stands in the schema, and the other way round.
func TestSchemaNamesEveryField(t *testing.T) {
	t.Parallel()
	type object struct {
		Properties map[string]struct {
			Items struct {
				Properties map[string]json.RawMessage `json:"properties"`
			} `json:"items"`
		} `json:"properties"`
	}
	var schema struct {
		Defs map[string]object `json:"$defs"`
	}
	text, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &schema))
	outcome := schema.Defs["outcome"].Properties
	names := func(of reflect.Type) (all []string) {
		for f := range of.Fields() {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "-" {
				all = append(all, name)
			}
		}
		return all
	}
	var have []string
	for name := range outcome {
		have = append(have, name)
	}
	require.ElementsMatch(t, names(reflect.TypeFor[pipeline.Outcome]()), have)
	have = nil
	for name := range schema.Defs["order"].Properties {
		have = append(have, name)
	}
	require.ElementsMatch(t, names(reflect.TypeFor[pipeline.OrderUpdate]()), have)
	for list, of := range map[string]reflect.Type{
		"orders": reflect.TypeFor[pipeline.OutcomeOrder](), "thumbnails": reflect.TypeFor[pipeline.OutcomeThumbnail](),
	} {
		var have []string
		for name := range outcome[list].Items.Properties {
			have = append(have, name)
		}
		require.ElementsMatch(t, names(of), have, list)
	}
}
