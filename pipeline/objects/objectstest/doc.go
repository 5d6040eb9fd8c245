// Package objectstest is the suite that every implementation of pipeline.Objects passes.
// A back end calls Run from its own tests with a fresh bucket for each.
package objectstest
