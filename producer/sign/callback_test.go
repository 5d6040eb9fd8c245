package sign_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/producer/events"
	"github.com/afterput/afterput/producer/sign"
)

const callbackSecret = "callback-0123456789"

func withCallbacks(o *sign.Options) {
	o.CallbackBase, o.CallbackSecret = "https://afterput.example.com", []byte(callbackSecret)
}

// grantOf reads what a callback asks for, and what its token permits.
func grantOf(t *testing.T, value string) events.CallbackGrant {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(value)
	require.NoError(t, err)
	require.NotContains(t, string(text), callbackSecret)
	var c map[string]string
	require.NoError(t, json.Unmarshal(text, &c))
	require.Equal(t, "bucket=${bucket}&object=${object}&size=${size}", c["callbackBody"])
	require.Equal(t, "application/x-www-form-urlencoded", c["callbackBodyType"])
	u, err := url.Parse(c["callbackUrl"])
	require.NoError(t, err)
	require.Equal(t, "https://afterput.example.com"+events.CallbackPath, u.Scheme+"://"+u.Host+u.Path)
	g, err := events.VerifyCallback([]byte(callbackSecret), u.Query().Get(events.CallbackParam), now)
	require.NoError(t, err)
	return g
}

// TestCallback: where callbacks are configured an upload without its callback is refused,
// and the callback is for this one key.
func TestCallback(t *testing.T) {
	t.Parallel()
	opt := options(&memory{})
	withCallbacks(&opt)
	cos, s := newCOS(t), newSigner(t, opt)

	put, err := s.Put(t.Context(), sign.Request{Owner: "oX", Ext: "jpg"})
	require.NoError(t, err)
	value := put.Headers[sign.CallbackHeader]
	ends := now.Add(sign.DefaultExpires + time.Hour).Unix()
	require.Equal(t, events.CallbackGrant{Bucket: bucket, Key: put.CosKey, Expires: ends}, grantOf(t, value))
	header := http.Header{"Authorization": {put.Authorization}}
	require.Equal(t, http.StatusForbidden, send(t, cos, "PUT", "/"+put.CosKey, header, []byte("x")).Code, "without")
	header.Set(sign.CallbackHeader, value+"A")
	require.Equal(t, http.StatusForbidden, send(t, cos, "PUT", "/"+put.CosKey, header, []byte("x")).Code, "another one")

	post, err := s.Post(t.Context(), sign.Request{Owner: "oX", Ext: "jpg"})
	require.NoError(t, err)
	require.Equal(t, post.CosKey, grantOf(t, post.Fields[sign.CallbackHeader]).Key)
	require.Equal(t, http.StatusForbidden, form(t, cos, post, nil, []byte("x")).Code, "without")
	require.Equal(t, http.StatusForbidden, form(t, cos, post, map[string]string{sign.CallbackHeader: value}, []byte("x")).Code, "another one")
	require.Empty(t, cos.Keys())

	bare := newSigner(t, options(&memory{}))
	put, err = bare.Put(t.Context(), sign.Request{Owner: "oX", Ext: "jpg"})
	require.NoError(t, err)
	require.Nil(t, put.Headers, "off, an upload needs no headers")

	opt.CallbackSecret = nil
	_, err = sign.New(opt)
	require.Error(t, err)
}

// TestCallbackOfParts: the request that completes a multipart upload has to ask for the
// callback that the first answer named; the others need none.
func TestCallbackOfParts(t *testing.T) {
	t.Parallel()
	opt := options(&memory{})
	withCallbacks(&opt)
	p := newParts(t, opt)
	id := p.begin()
	got := fields(t, p.ask("POST", "uploadId="+id), 200)
	value := got["headers"].(map[string]any)[sign.CallbackHeader].(string)
	ends := now.Add(sign.DefaultMultipartExpires + time.Hour).Unix()
	require.Equal(t, events.CallbackGrant{Bucket: bucket, Key: p.key, Expires: ends}, grantOf(t, value))
	require.Equal(t, http.StatusForbidden, p.send("POST", p.key, "uploadId="+id, got["authorization"].(string), "").Code)
}
