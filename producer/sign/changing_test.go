package sign_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/qsign"
	"github.com/afterput/afterput/producer/sign"
)

// TestChangingKeys: each signature is made with the key of its moment, and ends with it.
func TestChangingKeys(t *testing.T) {
	t.Parallel()
	opt := options(&memory{})
	key := qsign.Key{ID: "AKIDone", Secret: "s1", Token: "t1", Expires: now.Add(time.Minute)}
	var away error
	opt.Buckets = []sign.Bucket{{Name: bucket, Host: host, Keys: func(context.Context) (qsign.Key, error) { return key, away }}}
	s := newSigner(t, opt)
	put, err := s.Put(t.Context(), sign.Request{Owner: "o1", Ext: "jpg"})
	require.NoError(t, err)
	require.Equal(t, "t1", put.SecurityToken)
	signature, err := qsign.Parse(put.Authorization)
	require.NoError(t, err)
	require.Equal(t, "AKIDone", signature.KeyID)
	require.Equal(t, now.Add(time.Minute).Unix(), signature.Window.End.Unix())

	key = qsign.Key{ID: "AKIDtwo", Secret: "s2", Token: "t2", Expires: now.Add(time.Hour)}
	post, err := s.Post(t.Context(), sign.Request{Owner: "o1", Ext: "jpg"})
	require.NoError(t, err)
	require.Equal(t, []string{"AKIDtwo", "t2"}, []string{post.QAk, post.SecurityToken})
	window, err := qsign.ParseWindow(post.QKeyTime)
	require.NoError(t, err)
	require.Equal(t, now.Add(sign.DefaultExpires).Unix(), window.End.Unix(), "a key that lives longer changes nothing")

	away = pipeline.Errorf(pipeline.Transient, "credentials", "", "no role here")
	_, err = s.Put(t.Context(), sign.Request{Owner: "o1", Ext: "jpg"})
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
}
