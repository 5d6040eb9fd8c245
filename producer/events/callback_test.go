package events_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/events"
)

const formType = "application/x-www-form-urlencoded"

func TestDecodeCallback(t *testing.T) {
	t.Parallel()
	position := 3
	want := events.Event{
		Bucket: "b-125", Keys: []string{"users/oX/图 1.jpg"}, Size: 7, Name: "callback", Created: true,
		Order: "A12", Position: &position, Batch: "b1",
	}
	form := "bucket=b-125&object=users%2FoX%2F%E5%9B%BE+1.jpg&etag=%22e%22&size=7&order=A12&position=3&batch=b1&other=x&other=y"
	asJSON := `{"bucket":"b-125","object":"users/oX/图 1.jpg","size":"7","x:order":"A12","x:position":3,"x:batch":"b1","mimeType":"image/jpeg","imageInfo":{"w":1}}`
	for name, in := range map[string][2]string{
		"form":                  {formType + "; charset=utf-8", form},
		"form without a type":   {"", form},
		"form with prefixes":    {formType, strings.NewReplacer("order", "x%3Aorder", "position", "x:position", "batch", "x:batch").Replace(form)},
		"JSON":                  {"application/json", asJSON},
		"JSON without its type": {formType, asJSON},
		"a leading slash":       {formType, strings.Replace(form, "object=", "object=/", 1)},
		"key for object":        {formType, strings.Replace(form, "object=", "key=", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := events.DecodeCallback(in[0], []byte(in[1]))
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
	got, err := events.DecodeCallback(formType, nil)
	require.NoError(t, err)
	require.Equal(t, events.Event{Name: "callback", Created: true}, got, "the token may say it all")
	got, err = events.DecodeCallback(formType, []byte("object=a.jpg&position=-1&order="+strings.Repeat("x", 300)))
	require.NoError(t, err)
	require.Nil(t, got.Position)
	require.Empty(t, got.Order)
	require.Contains(t, got.Note, "position")
	require.Contains(t, got.Note, "order")
}

func TestDecodeCallbackRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, media, body string
		code              pipeline.Code
	}{
		{"no form", formType, "a=%zz", events.CodeBadForm},
		{"a form with semicolons", formType, "a=1;b=2", events.CodeBadForm},
		{"not UTF-8", formType, "object=%ff", events.CodeBadForm},
		{"many fields", formType, manyFields(100), events.CodeBadForm},
		{"twice", formType, "object=a&object=b", events.CodeDuplicateField},
		{"twice by two names", formType, "object=a&key=b", events.CodeDuplicateField},
		{"JSON cut off", "application/json", `{"object":"a"`, events.CodeBadJSON},
		{"a JSON list", "application/json", `[]`, events.CodeBadJSON},
		{"an object for a name", "application/json", `{"object":{}}`, events.CodeBadField},
		{"no JSON", "application/json", "object=a", events.CodeBadJSON},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := events.DecodeCallback(tt.media, []byte(tt.body))
			require.Equal(t, tt.code, pipeline.CodeOf(err))
			require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
		})
	}
}

func manyFields(n int) string {
	form := url.Values{}
	for i := range n {
		form.Set(fmt.Sprint("f", i), "1")
	}
	return form.Encode()
}

func FuzzDecodeCallback(f *testing.F) {
	for _, seed := range [][2]string{
		{formType, "bucket=b-125&object=users%2FoX%2F1.jpg&size=7&x:order=A12&position=3"},
		{"application/json", `{"bucket":"b","object":"a","size":7,"position":"1"}`},
		{"", "a=%"},
		{"x/y; z", "{}"},
		{"", ""},
	} {
		f.Add(seed[0], []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, media string, body []byte) {
		got, err := events.DecodeCallback(media, body)
		if err != nil {
			require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
			require.NotEmpty(t, pipeline.CodeOf(err))
			return
		}
		require.True(t, got.Created)
		for _, text := range []string{got.Owner, got.Order, got.Batch} {
			require.LessOrEqual(t, len(text), 255)
			require.NotContains(t, text, "\n")
		}
		require.True(t, got.Position == nil || (*got.Position >= 0 && *got.Position <= events.MaxPosition))
	})
}

var (
	tokenSecret = []byte("callback-0123456789")
	tokenNow    = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
)

func TestCallbackToken(t *testing.T) {
	t.Parallel()
	grant := events.CallbackGrant{Bucket: "b-125", Key: "users/oX/1.jpg", Expires: tokenNow.Add(time.Hour).Unix()}
	token, err := events.MintCallback(tokenSecret, grant)
	require.NoError(t, err)
	require.Equal(t, "v1.eyJiIjoiYi0xMjUiLCJrIjoidXNlcnMvb1gvMS5qcGciLCJlIjoxNzk1MjY2MDAwfQ.boUH3tGXFOQ3zWmt_sVsZu5oR4huvqjfpqrDc4QeQVY",
		token, "as openssl dgst -sha256 -hmac makes it")
	got, err := events.VerifyCallback(tokenSecret, token, tokenNow)
	require.NoError(t, err)
	require.Equal(t, grant, got)

	address, err := events.CallbackURL("https://afterput.example.com/", tokenSecret, grant)
	require.NoError(t, err)
	u, err := url.Parse(address)
	require.NoError(t, err)
	require.Equal(t, events.CallbackPath, u.Path)
	require.Equal(t, token, u.Query().Get(events.CallbackParam))

	refused := func(secret []byte, token string, now time.Time) {
		t.Helper()
		_, err := events.VerifyCallback(secret, token, now)
		require.Equal(t, events.CodeBadCallbackToken, pipeline.CodeOf(err), token)
		require.Equal(t, pipeline.Denied, pipeline.ClassOf(err))
		require.NotContains(t, err.Error(), "eyJ", "a token is not quoted")
	}
	refused(tokenSecret, token, tokenNow.Add(time.Hour))
	refused([]byte("another-0123456789"), token, tokenNow)
	refused(nil, token, tokenNow)
	for i := range token {
		c := byte('A')
		if token[i] == c {
			c = 'B'
		}
		refused(tokenSecret, token[:i]+string(c)+token[i+1:], tokenNow)
		refused(tokenSecret, token[:i], tokenNow)
	}
	for _, other := range []string{"", ".", "..", "v1..", token + "=", token + "\n", " " + token, token + "." + token, strings.Repeat("a", 1<<16)} {
		refused(tokenSecret, other, tokenNow)
	}
	_, sum, _ := strings.Cut(strings.TrimPrefix(token, "v1."), ".")
	widened := base64.RawURLEncoding.EncodeToString([]byte(`{"b":"b-125","p":"","e":99999999999}`))
	refused(tokenSecret, "v1."+widened+"."+sum, tokenNow)
}

func TestCallbackGrants(t *testing.T) {
	t.Parallel()
	for name, g := range map[string]events.CallbackGrant{
		"no bucket":      {Key: "a", Expires: 1},
		"nothing":        {Bucket: "b", Expires: 1},
		"key and prefix": {Bucket: "b", Key: "a", Prefix: "a", Expires: 1},
		"no end":         {Bucket: "b", Key: "a"},
		"too long":       {Bucket: "b", Key: strings.Repeat("a", 4000), Expires: 1},
	} {
		_, err := events.MintCallback(tokenSecret, g)
		require.Error(t, err, name)
	}
	_, err := events.MintCallback(nil, events.CallbackGrant{Bucket: "b", Key: "a", Expires: 1})
	require.Error(t, err, "without a secret anybody could make it")

	one := events.CallbackGrant{Bucket: "b", Key: "users/oX/1.jpg"}
	many := events.CallbackGrant{Bucket: "b", Prefix: "users/oX/"}
	require.True(t, one.Allows("b", "users/oX/1.jpg"))
	require.False(t, one.Allows("b", "users/oX/1.jpg2"))
	require.False(t, one.Allows("c", "users/oX/1.jpg"))
	require.True(t, many.Allows("b", "users/oX/2.jpg"))
	require.False(t, many.Allows("b", "users/oX/"))
	require.False(t, many.Allows("b", "users/oX2/2.jpg"))
	require.False(t, events.CallbackGrant{}.Allows("b", "a"))
}

func FuzzVerifyCallback(f *testing.F) {
	good, err := events.MintCallback(tokenSecret, events.CallbackGrant{Bucket: "b", Key: "a", Expires: tokenNow.Unix() + 1})
	require.NoError(f, err)
	for _, seed := range []string{good, "v1.e30.AAAA", "v1..", "", good[:len(good)-1]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := events.VerifyCallback(tokenSecret, token, tokenNow); err == nil {
			require.Equal(t, good, token, "one token has one spelling")
		}
	})
}
