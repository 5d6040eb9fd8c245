package tasks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"github.com/afterput/afterput/pipeline"
)

// The queues, named by what they cost. A worker pool serves one of them.
const (
	QueueChecks     = "checks"     // I/O
	QueueThumbnails = "thumbnails" // CPU and memory
	QueueOrders     = "orders"     // the order database
	QueueURLs       = "urls"       // the URL service and the cache
	QueueHooks      = "hooks"      // other people's servers
)

// Queues lists the queues in the order of an upload's life.
func Queues() []string {
	return []string{QueueChecks, QueueThumbnails, QueueOrders, QueueURLs, QueueHooks}
}

// QueueOf gives the queue of a step.
func QueueOf(step pipeline.Step) string {
	switch step {
	case pipeline.StepCheck:
		return QueueChecks
	case pipeline.StepThumbnail:
		return QueueThumbnails
	case pipeline.StepAttach:
		return QueueOrders
	case pipeline.StepWarm:
		return QueueURLs
	case pipeline.StepNotify:
		return QueueHooks
	}
	return ""
}

const typePrefix = "afterput:"

// TypeOf gives the task type of a step: afterput:check.
func TypeOf(step pipeline.Step) string { return typePrefix + string(step) }

// payloadVersion is the version of the payload that this build writes and reads.
const payloadVersion = 1

type payload struct {
	Version int    `json:"v"`
	Upload  string `json:"upload,omitempty"`
	Order   string `json:"order,omitempty"`
	Gen     int    `json:"gen,omitempty"`
	Bucket  string `json:"bucket,omitempty"`
	// Endpoint is of notify only; the default one has none.
	Endpoint string `json:"endpoint,omitempty"`
}

// Job is what a task asks for: a run, or for warm all pending runs of a bucket.
type Job struct {
	pipeline.Run
	// Bucket is set for warm tasks only.
	Bucket string
}

// Decode reads a task. An unknown type, version or field is an error of class Bug that
// says what is wrong.
func Decode(taskType string, data []byte) (Job, error) {
	bad := func(format string, args ...any) (Job, error) {
		return Job{}, pipeline.Errorf(pipeline.Bug, "tasks.decode", taskType, format, args...)
	}
	step := pipeline.Step(strings.TrimPrefix(taskType, typePrefix))
	if !strings.HasPrefix(taskType, typePrefix) || QueueOf(step) == "" {
		return bad("unknown task type")
	}
	var p payload
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return bad("payload is not ours: %w", err)
	}
	switch {
	case !ended(dec):
		return bad("payload has something after its JSON object")
	case p.Version != payloadVersion:
		return bad("payload version %d: this worker reads version %d", p.Version, payloadVersion)
	case step == pipeline.StepWarm && (p.Bucket == "" || p.Upload != "" || p.Gen != 0):
		return bad("payload names no bucket, or an upload as well")
	case step != pipeline.StepWarm && (p.Upload == "" || p.Gen < 1 || p.Bucket != ""):
		return bad("payload names no upload and gen, or a bucket as well")
	case (step == pipeline.StepAttach) != (p.Order != ""):
		return bad("an attach names an order, and no other step does")
	case step != pipeline.StepNotify && p.Endpoint != "":
		return bad("payload names an endpoint, which only a notify does")
	}
	return Job{Run: pipeline.Run{UploadID: p.Upload, Step: step, Scope: p.Order + p.Endpoint, Gen: p.Gen}, Bucket: p.Bucket}, nil
}

// ended tells whether nothing follows the value that was decoded.
func ended(dec *json.Decoder) bool {
	_, err := dec.Token()
	return errors.Is(err, io.EOF)
}

// ID names the task of a run: {step}:{uploadID}[:{scopeHash}]:{gen}.
func ID(run pipeline.Run) string {
	id := string(run.Step) + ":" + run.UploadID
	if run.Scope != "" {
		id += ":" + pipeline.OrderHash(run.Scope)
	}
	return id + ":" + strconv.Itoa(run.Gen)
}

// ParseID reads the step, upload and gen of a task ID; ok is false for warm tasks and
// for IDs that are not ours.
func ParseID(id string) (step pipeline.Step, uploadID string, gen int, ok bool) {
	parts := strings.Split(id, ":")
	if len(parts) < 3 || len(parts) > 4 || parts[0] == string(pipeline.StepWarm) || QueueOf(pipeline.Step(parts[0])) == "" {
		return "", "", 0, false
	}
	gen, err := strconv.Atoi(parts[len(parts)-1])
	return pipeline.Step(parts[0]), parts[1], gen, err == nil
}

// warmSlot is how long warm wishes of a bucket gather before one task serves them.
const warmSlot = time.Second

// warmID names the warm task of a bucket in the slot that begins at t.
func warmID(bucket string, slot time.Time) string {
	return fmt.Sprintf("warm:%s:%d", pipeline.OrderHash(bucket), slot.Unix())
}

// Margins and limits of a task inside asynq.
const (
	// MaxRetry is asynq's own retry count. The ledger decides when a step dies, so asynq
	// must never come first: its count is far above the sum of the ledger's budgets.
	MaxRetry = 1000
	// Margin is added to the policy's timeout, so that the worker's own deadline fires
	// before asynq's, whose context cannot be written with any more.
	Margin = 30 * time.Second
)

// build makes the asynq task of a wish.
func build(w pipeline.Wish, now time.Time, timeout time.Duration) (*asynq.Task, error) {
	p := payload{Version: payloadVersion, Upload: w.UploadID, Gen: w.Gen}
	if w.Step == pipeline.StepNotify {
		p.Endpoint = w.Scope
	} else {
		p.Order = w.Scope
	}
	id, at := ID(w.Run), w.ReadyAt
	if w.Step == pipeline.StepWarm {
		from := now
		if w.ReadyAt.After(from) {
			from = w.ReadyAt
		}
		at = from.Truncate(warmSlot).Add(warmSlot)
		p, id = payload{Version: payloadVersion, Bucket: w.Bucket}, warmID(w.Bucket, at)
	}
	data, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	opts := []asynq.Option{
		asynq.TaskID(id), asynq.Queue(QueueOf(w.Step)), asynq.MaxRetry(MaxRetry), asynq.Timeout(timeout + Margin),
	}
	if at.After(now) {
		opts = append(opts, asynq.ProcessAt(at))
	}
	return asynq.NewTask(TypeOf(w.Step), data, opts...), nil
}
