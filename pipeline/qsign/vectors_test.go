package qsign

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The key pair and the signatures are those of the examples in COS 436/7778.
const (
	vectorID     = "AKIDQjz3ltompVjBni5LitkWHFlFpwkn9U5q"
	vectorSecret = "BQYIM75p8x0iWVFSIgqEKwFprpRSVHlz" //nolint:gosec // published by the vendor
	vectorHost   = "examplebucket-1250000000.cos.ap-beijing.myqcloud.com"
)

func window(start, end int64) Window {
	return Window{Start: time.Unix(start, 0), End: time.Unix(end, 0)}
}

func TestOfficialVectors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		w      Window
		req    Request
		sign   string
		key    string
		digest string
	}{{
		name: "upload",
		w:    window(1557989151, 1557996351),
		req: Request{Method: "PUT", Path: "/exampleobject(腾讯云)", Header: http.Header{
			"Content-Length":   {"13"},
			"Content-Md5":      {"mQ/fVh815F3k6TAUm8m0eg=="},
			"Content-Type":     {"text/plain"},
			"Date":             {"Thu, 16 May 2019 06:45:51 GMT"},
			"Host":             {vectorHost},
			"X-Cos-Acl":        {"private"},
			"X-Cos-Grant-Read": {`uin="100000000011"`},
		}},
		sign:   "3b8851a11a569213c17ba8fa7dcf2abec6935172",
		key:    "eb2519b498b02ac213cb1f3d1a3d27a3b3c9bc5f",
		digest: "8b2751e77f43a0995d6e9eb9477f4b685cca4172",
	}, {
		name: "download",
		w:    window(1557989753, 1557996953),
		req: Request{
			Method: "GET", Path: "/exampleobject(腾讯云)",
			Params: url.Values{"response-content-type": {"application/octet-stream"}, "response-cache-control": {"max-age=600"}},
			Header: http.Header{"Date": {"Thu, 16 May 2019 06:55:53 GMT"}, "Host": {vectorHost}},
		},
		sign: "01681b8c9d798a678e43b685a9f1bba0f6c0e012",
	}, {
		name: "host only",
		w:    window(1557989753, 1557996953),
		req:  Request{Method: "PUT", Path: "/file/20190516/20190516_123456.jpg", Header: Host(vectorHost)},
		sign: "4233f1a8dfd9bbd0c98bace644dedd14975dff1b",
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := Authorization(Key{ID: vectorID, Secret: vectorSecret}, tt.req, tt.w)
			sig, err := Parse(text)
			require.NoError(t, err)
			require.Equal(t, tt.sign, sig.Value)
			require.Equal(t, text, sig.String())

			params, _ := canonical(tt.req.Params, nil)
			headers, _ := canonical(tt.req.Header, nil)
			_, httpString, _ := compute(vectorSecret, tt.w, tt.req, params, headers)
			if tt.key != "" {
				require.Equal(t, tt.key, signKey(vectorSecret, tt.w.String()))
				require.Equal(t, tt.digest, sha1Hex(httpString))
			}
		})
	}
}
