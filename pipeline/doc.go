// Package pipeline is the domain of afterput: what happens after a direct upload.
//
// It holds the words (Upload, FileID, Step, Letter, Attempt, Error), the rules
// that need no outside (names, policy, state of an upload, merging fileIDs into an
// order) and the five steps as plain functions over the small interfaces they need.
//
// Every step is level-triggered: it looks at what is, compares it with what should
// be, and converges. Running a step twice, late, or at the same time as itself
// gives the same result.
//
// Data enters as an Announcement, is kept as an Upload and leaves as thumbnails,
// order entries, cached URLs and one Outcome. The package imports the standard
// library only; back ends live in its sub-packages.
package pipeline
