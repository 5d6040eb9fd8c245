// Package cloudapi calls the API 3.0 of Tencent Cloud, the control plane of its services,
// signed by TC3-HMAC-SHA256 (cloud.tencent.com/document/api/213/30654).
//
// It is a leaf: it imports pipeline and the standard library. An action with its
// parameters enters, what stands in Response leaves. Errors are *pipeline.Error whose class
// comes from the code, and none carries a key. The sub-package cloudapitest is the other
// side, for tests.
package cloudapi
