// Package qsign makes and checks the signatures of the Tencent COS XML API: the
// Authorization header, the presigned query and the policy of a POST upload
// (COS 436/7778, 436/14690).
//
// It is a leaf: it imports the standard library only. A request or a policy enters
// with a key pair and a window of time; a signature leaves, or the verdict on one.
//
// All names follow the vendor's: a SecretID names a key, a SecretKey signs. Times are
// Unix seconds on the wire. Signatures are HMAC-SHA1 because the protocol says so.
package qsign
