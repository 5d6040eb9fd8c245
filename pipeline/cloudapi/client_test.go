package cloudapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/cloudapi"
	"github.com/afterput/afterput/pipeline/cloudapi/cloudapitest"
)

// TestVectors: the published example, whose key is printed with its asterisks and signed
// with them (213/30654, and the older page 213/15692 without x-tc-action).
func TestVectors(t *testing.T) {
	t.Parallel()
	body := []byte(`{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`)
	header := http.Header{"Content-Type": {"application/json; charset=utf-8"}, "X-Tc-Action": {"DescribeInstances"}}
	for _, tt := range []struct {
		id, secret string
		signed     []string
		want       string
	}{
		{
			"AKID********************************", "********************************",
			[]string{"x-tc-action", "content-type", "host"},
			"SignedHeaders=content-type;host;x-tc-action, Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f",
		},
		{
			"AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******", "Gu5t9xGARNpq86cd98joQYCN3*******",
			[]string{"content-type", "host"},
			"SignedHeaders=content-type;host, Signature=2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c",
		},
	} {
		got := cloudapi.Sign(tt.id, tt.secret, "cvm", "cvm.tencentcloudapi.com", header, tt.signed, body, time.Unix(1551113065, 0))
		require.Equal(t, "TC3-HMAC-SHA256 Credential="+tt.id+"/2019-02-25/cvm/tc3_request, "+tt.want, got)
	}
}

func newClient(t *testing.T, endpoint string, change ...func(*cloudapi.Options)) *cloudapi.Client {
	t.Helper()
	opt := cloudapi.Options{
		Service: "tcb", Version: "2018-06-08", Region: "ap-shanghai", Endpoint: endpoint, SecretID: "AKIDtest", SecretKey: "s3cr3t",
	}
	for _, f := range change {
		f(&opt)
	}
	c, err := cloudapi.New(opt)
	require.NoError(t, err)
	return c
}

func newHandler() *cloudapitest.Handler {
	return &cloudapitest.Handler{
		Service: "tcb", Version: "2018-06-08", Keys: map[string]string{"AKIDtest": "s3cr3t", "AKIDtmp": "s3cr3t"},
		Tokens: map[string]string{"AKIDtmp": "the-token"},
		Actions: map[string]cloudapitest.Action{"Echo": func(params json.RawMessage) (any, *cloudapitest.Error) {
			var in struct{ Say, Fail string }
			if json.Unmarshal(params, &in) != nil || in.Fail != "" {
				return nil, &cloudapitest.Error{Code: in.Fail, Message: "as asked"}
			}
			return map[string]string{"Said": in.Say}, nil
		}},
	}
}

func TestCall(t *testing.T) {
	t.Parallel()
	h := newHandler()
	endpoint := h.Start(t)
	var out struct{ Said string }
	require.NoError(t, newClient(t, endpoint).Call(t.Context(), "Echo", map[string]string{"Say": "图"}, &out))
	require.Equal(t, "图", out.Said)
	temporary := func(o *cloudapi.Options) { o.SecretID, o.Token, o.Region = "AKIDtmp", "the-token", "" }
	require.NoError(t, newClient(t, endpoint, temporary).Call(t.Context(), "Echo", map[string]string{}, &out))
	require.Equal(t, []string{"Echo ap-shanghai", "Echo "}, h.Calls())
}

// TestRefused: what the other side refuses has a class, and no key in it.
func TestRefused(t *testing.T) {
	t.Parallel()
	h := newHandler()
	endpoint := h.Start(t)
	for name, tt := range map[string]struct {
		change func(*cloudapi.Options)
		action string
		class  pipeline.Class
		code   string
	}{
		"no such key":   {func(o *cloudapi.Options) { o.SecretID = "AKIDother" }, "Echo", pipeline.Denied, "AuthFailure.SecretIdNotFound"},
		"wrong secret":  {func(o *cloudapi.Options) { o.SecretKey = "s3cr3t2" }, "Echo", pipeline.Denied, "AuthFailure.SignatureFailure"},
		"token missing": {func(o *cloudapi.Options) { o.SecretID = "AKIDtmp" }, "Echo", pipeline.Denied, "AuthFailure.TokenFailure"},
		"clock":         {func(o *cloudapi.Options) { o.Now = func() time.Time { return time.Now().Add(-time.Hour) } }, "Echo", pipeline.Transient, "SignatureExpire"},
		"version":       {func(o *cloudapi.Options) { o.Version = "2000-01-01" }, "Echo", pipeline.Invalid, "NoSuchVersion"},
		"action":        {func(*cloudapi.Options) {}, "Shout", pipeline.Invalid, "InvalidAction"},
	} {
		var out struct{}
		err := newClient(t, endpoint, tt.change).Call(t.Context(), tt.action, map[string]string{}, &out)
		require.Equal(t, tt.class, pipeline.ClassOf(err), "%s: %v", name, err)
		require.ErrorContains(t, err, tt.code)
		require.NotContains(t, err.Error(), "s3cr3t")
	}
	require.Empty(t, h.Calls())
	for code, class := range map[string]pipeline.Class{
		"UnauthorizedOperation.Sub": pipeline.Denied, "RequestLimitExceeded": pipeline.Throttled, "ResourceNotFound.Env": pipeline.Missing,
		"InvalidParameterValue": pipeline.Invalid, "InternalError": pipeline.Transient, "FailedOperation": pipeline.Transient, "New": pipeline.Transient,
	} {
		err := newClient(t, endpoint).Call(t.Context(), "Echo", map[string]string{"Fail": code}, &struct{}{})
		require.Equal(t, class, pipeline.ClassOf(err), code)
	}
}

func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		body   string
		class  pipeline.Class
	}{
		{200, `<html>`, pipeline.Transient},
		{200, `{}`, pipeline.Transient},
		{200, `{"Response":{"Said":7}}`, pipeline.Transient},
		{502, `<html>`, pipeline.Transient},
		{429, ``, pipeline.Throttled},
		{200, `{"Response":{"Said":"` + string(make([]byte, 2<<20)) + `"}}`, pipeline.Transient},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			_, _ = fmt.Fprint(w, tt.body)
		}))
		err := newClient(t, s.URL).Call(t.Context(), "Echo", nil, &struct{ Said string }{})
		require.Equal(t, tt.class, pipeline.ClassOf(err), "%v", err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.Equal(t, pipeline.Transient, pipeline.ClassOf(newClient(t, s.URL).Call(ctx, "Echo", nil, nil)))
		s.Close()
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for want, opt := range map[string]cloudapi.Options{
		"service":  {Version: "v", SecretID: "i", SecretKey: "k"},
		"key pair": {Service: "tcb", Version: "v", SecretID: "i"},
		"endpoint": {Service: "tcb", Version: "v", SecretID: "i", SecretKey: "k", Endpoint: "tcb.tencentcloudapi.com"},
	} {
		_, err := cloudapi.New(opt)
		require.ErrorContains(t, err, want)
	}
	_, err := cloudapi.New(cloudapi.Options{Service: "tcb", Version: "v", SecretID: "i", SecretKey: "k"})
	require.NoError(t, err)
}
