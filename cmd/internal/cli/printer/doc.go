// Package printer prints what commands have to say: tables for people, JSON and JSON
// lines for programs, tab-separated text for pipes. A command hands over rows or an
// object once and never asks which format it is.
//
// JSON carries a schema such as afterput.dead.v1 in every object; a stream of JSON
// lines ends with a summary. What comes from outside, such as object names, cannot
// steer a terminal: control characters are escaped in every format. The package imports
// the standard library only, and writes to the writer that it was given.
package printer
