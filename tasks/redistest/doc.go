// Package redistest gives tests a Redis of their own: the embedded one, or a real
// redis-server on a free loopback port that ends with the test. It may be imported by
// tests and by the battery (cmd/internal/chaos) only.
package redistest
