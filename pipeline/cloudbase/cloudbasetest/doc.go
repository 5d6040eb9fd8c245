// Package cloudbasetest is a CloudBase gateway for tests: it speaks the HTTP API and
// refuses what the real one refuses.
package cloudbasetest
