package sign_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/qsign"
	"github.com/afterput/afterput/producer/sign"
)

// issuer gives out keys, and keeps what for.
type issuer struct {
	policies []sign.Policy
	lives    []time.Duration
	err      error
}

func (i *issuer) Issue(_ context.Context, p sign.Policy, d time.Duration) (qsign.Key, error) {
	i.policies, i.lives = append(i.policies, p), append(i.lives, d)
	return qsign.Key{ID: "AKIDissued", Secret: "issued-hush", Token: "issued-token"}, i.err
}

func allows(key, action string) sign.Policy {
	return sign.Policy{Version: "2.0", Statement: []sign.Statement{{
		Effect: "allow", Action: []string{"name/cos:" + action},
		Resource: []string{"qcs::cos:ap-guangzhou:uid/1250000000:" + bucket + "/" + key},
	}}}
}

// TestTemporary: every signature is made by a key that may do this one thing with this one
// object.
func TestTemporary(t *testing.T) {
	t.Parallel()
	i := &issuer{}
	opt := options(&memory{})
	opt.Buckets[0].Issuer, opt.Buckets[0].Region = i, "ap-guangzhou"
	d := newDoor(newSigner(t, opt), keys(t))
	put := fields(t, d.get(t, "/put-sign?ext=mp4&owner=oX&multipart=1", announce), 200)
	key := put["cosKey"].(string)
	require.Equal(t, "issued-token", put["securityToken"])
	known := func(id string) (string, bool) { return "issued-hush", id == "AKIDissued" }
	req := qsign.Request{Method: http.MethodPut, Path: "/" + key, Header: qsign.Host(host)}
	_, err := qsign.VerifyString(put["authorization"].(string), req, known, now)
	require.NoError(t, err)

	post := fields(t, d.get(t, "/post-policy?ext=jpg&owner=oX", announce), 200)
	require.Equal(t, "issued-token", post["securityToken"])
	require.Equal(t, "AKIDissued", post["qAk"])
	require.Contains(t, base64Text(t, post["policy"]), "AKIDissued")

	want := []sign.Policy{allows(key, "PutObject"), allows(post["cosKey"].(string), "PostObject")}
	for _, tt := range [][2]string{
		{"POST&uploads=", "InitiateMultipartUpload"},
		{"PUT&partNumber=1&uploadId=1", "UploadPart"},
		{"GET&uploadId=1", "ListParts"},
		{"POST&uploadId=1", "CompleteMultipartUpload"},
		{"DELETE&uploadId=1", "AbortMultipartUpload"},
		{"GET&uploads=&prefix=" + key, "ListMultipartUploads"},
	} {
		got := fields(t, d.get(t, "/multipart-sign?owner=oX&cosKey="+key+"&method="+tt[0], announce), 200)
		require.Equal(t, "issued-token", got["securityToken"])
		want = append(want, allows(key, tt[1]))
	}
	require.Equal(t, want, i.policies)
	for _, life := range i.lives {
		require.Equal(t, sign.DefaultExpires, life)
	}
}

// TestTemporaryAway: without a temporary key there is no signature; the bucket's own key
// never signs in its place.
func TestTemporaryAway(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		class  pipeline.Class
		status int
		code   string
	}{
		{pipeline.Transient, 503, "UNAVAILABLE"},
		{pipeline.Throttled, 503, "UNAVAILABLE"},
		{pipeline.Denied, 500, "INTERNAL"},
	} {
		opt := options(&memory{})
		opt.Buckets[0].Issuer = &issuer{err: pipeline.Errorf(tt.class, "sts", "", "inside")}
		d := newDoor(newSigner(t, opt), keys(t))
		for _, path := range []string{"/put-sign", "/post-policy"} {
			resp := d.get(t, path+"?ext=jpg&owner=oX", announce)
			require.Equal(t, tt.code, fields(t, resp, tt.status)["code"])
			body := resp.Body.String()
			require.False(t, strings.Contains(body, "inside") || strings.Contains(body, base64.StdEncoding.EncodeToString([]byte("AKIDtest"))), body)
		}
	}
}
