package objects_test

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	cos "github.com/tencentyun/cos-go-sdk-v5"
)

// sdkClient is the vendor's SDK as its users set it up, with its own signing.
func sdkClient(t *testing.T, base string) *cos.Client {
	t.Helper()
	u, err := url.Parse(base)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return cos.NewClient(&cos.BaseURL{BucketURL: u}, &http.Client{Transport: &cos.AuthorizationTransport{
		SecretID: secretID, SecretKey: secretKey, Transport: transport,
	}})
}

func sdkPut(t *testing.T, base, key string, body []byte, contentType, acl string) {
	t.Helper()
	_, err := sdkClient(t, base).Object.Put(t.Context(), key, bytes.NewReader(body), &cos.ObjectPutOptions{
		ACLHeaderOptions:       &cos.ACLHeaderOptions{XCosACL: acl},
		ObjectPutHeaderOptions: &cos.ObjectPutHeaderOptions{ContentType: contentType},
	})
	require.NoError(t, err)
}
