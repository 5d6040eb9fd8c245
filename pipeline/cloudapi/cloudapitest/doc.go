// Package cloudapitest is an API 3.0 of Tencent Cloud for tests: it verifies signatures and
// refuses what the real one refuses.
package cloudapitest
