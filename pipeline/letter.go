package pipeline

import (
	"encoding/json"
	"time"
)

// Attempt is one try of a run.
type Attempt struct {
	UploadID string
	Step     Step
	Scope    string
	Gen      int
	// N counts the attempts of this run from 1.
	N int
	// Worker is the process that made it: host-pid-random.
	Worker    string
	StartedAt time.Time
	// EndedAt is zero while it runs, and for ever when its worker was killed.
	EndedAt time.Time
	// Class is "" for success.
	Class Class
	Error string
}

// LetterState is where a dead letter stands.
type LetterState string

// The states of a dead letter.
const (
	LetterOpen      LetterState = "open"
	LetterReplayed  LetterState = "replayed"
	LetterResolved  LetterState = "resolved"
	LetterDiscarded LetterState = "discarded"
)

// Letter is a dead letter: a step that will not succeed without a person, or a task
// that nobody could read.
type Letter struct {
	ID int64
	// UploadID, Step, Scope and Gen name the run that died; empty for a raw task.
	UploadID string
	Step     Step
	Scope    string
	Gen      int
	// Bucket and Key name the object, Owner and FileID what is known of it.
	Bucket, Key, Owner, FileID string
	// TaskType and Payload are the task as Redis held it.
	TaskType string
	Payload  json.RawMessage
	// Class and Error are those of the last attempt.
	Class Class
	Code  Code
	Error string
	// Fingerprint groups letters that died of the same cause.
	Fingerprint string
	// Attempts is how many attempts the run had.
	Attempts int
	DiedAt   time.Time
	State    LetterState
	// Note is what the operator said when replaying or discarding it.
	Note      string
	UpdatedAt time.Time
}
