// Package objects is the object store of the pipeline over Tencent COS, with the
// vendor's cos-go-sdk-v5.
//
// Store implements pipeline.Objects. Keys enter and are checked by pipeline.CheckName
// before anything is sent; facts and streamed bodies leave. Every error is a
// *pipeline.Error whose class comes from the status and the COS error code, never from a
// text, and none carries a key, a token or the query of a URL.
//
// What the SDK does by itself and this package turns off or works around: three attempts
// without a pause, the shared default transport with two idle connections and the proxy
// of the environment, transparent gunzip that changes bytes, bodies and error bodies
// without bound or deadline, and a signature window that starts at the local second.
//
// It imports pipeline, qsign and the SDK. The sub-package coslocal is a COS server for
// development and tests, objectstest the suite that every back end passes.
package objects
