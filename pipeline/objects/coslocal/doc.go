// Package coslocal is a Tencent COS server on disk: the store of the development world
// and of the tests. It speaks the XML API to real clients (COS 436/7751): it checks
// q-signatures, POST policies and ACLs, keeps what it is given across restarts, and emits
// the events that COS sends to a function after each upload (SCF 583/9707).
//
// One Server is one bucket, because a client of a loopback address names no bucket in the
// host. It is an http.Handler: the caller listens. Objects enter by PUT, POST form,
// multipart upload or copy; bytes leave by GET; events leave through Options.OnEvent.
//
// Faults make it fail on purpose: refusals, slow, cut, stalled and damaged bodies, wrong
// checksums, a clock that is off, and events that are lost, doubled or swapped.
//
// Not spoken: versioning, tagging, lifecycle, deleting many at once, server-side
// encryption, XML bodies of PUT ?acl.
package coslocal
