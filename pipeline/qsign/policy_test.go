package qsign_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/qsign"
)

func TestPolicyRoundTrip(t *testing.T) {
	t.Parallel()
	w := qsign.Valid(at, time.Minute)
	form, err := qsign.SignPolicy(key, qsign.Policy{Conditions: []qsign.Condition{
		qsign.Equal("bucket", "photos-1250000000"),
		qsign.Prefix("key", "users/o/"),
		qsign.Prefix("Content-Type", "image/"),
		qsign.Size(1, 100),
	}}, w)
	require.NoError(t, err)
	text, err := base64.StdEncoding.DecodeString(form.Policy)
	require.NoError(t, err)
	require.JSONEq(t, `{"expiration":"2027-01-15T08:01:00.000Z","conditions":[
		{"q-sign-algorithm":"sha1"},{"q-ak":"AKIDtest"},{"q-sign-time":"1800000000;1800000060"},
		{"bucket":"photos-1250000000"},["starts-with","$key","users/o/"],
		["starts-with","$Content-Type","image/"],["content-length-range",1,100]]}`, string(text))

	p, err := qsign.VerifyPolicy(form, lookup, at)
	require.NoError(t, err)
	require.EqualValues(t, 100, p.MaxSize(1000))
	require.EqualValues(t, 50, p.MaxSize(50))
	require.NoError(t, p.CheckSize(1))
	require.NoError(t, p.CheckSize(100))
	require.ErrorIs(t, p.CheckSize(0), qsign.TooSmall)
	require.ErrorIs(t, p.CheckSize(101), qsign.TooLarge)

	fields := map[string]string{
		"q-sign-algorithm": "sha1", "q-ak": key.ID, "q-sign-time": w.String(),
		"bucket": "photos-1250000000", "key": "users/o/1.jpg", "content-type": "image/png",
	}
	require.NoError(t, p.CheckFields(fields))
	for field, bad := range map[string]string{
		"key": "users/x/1.jpg", "content-type": "text/html", "bucket": "other-1250000000", "q-ak": "AKIDother",
	} {
		was := fields[field]
		fields[field] = bad
		require.ErrorIs(t, p.CheckFields(fields), qsign.Violated, field)
		delete(fields, field)
		require.ErrorIs(t, p.CheckFields(fields), qsign.Violated, field)
		fields[field] = was
	}
	require.Equal(t, key.Token, form.Fields()["x-cos-security-token"])
}

func TestVerifyPolicyRefuses(t *testing.T) {
	t.Parallel()
	w := qsign.Valid(at, time.Minute)
	good, err := qsign.SignPolicy(key, qsign.Policy{Expiration: at.Add(30 * time.Second)}, w)
	require.NoError(t, err)
	tests := []struct {
		name   string
		change func(*qsign.PolicyForm)
		now    time.Time
		want   error
	}{
		{"good", func(*qsign.PolicyForm) {}, at, nil},
		{"early", func(*qsign.PolicyForm) {}, at.Add(-time.Second), qsign.NotYetValid},
		{"policy ended", func(*qsign.PolicyForm) {}, at.Add(31 * time.Second), qsign.Expired},
		{"window ended", func(*qsign.PolicyForm) {}, at.Add(61 * time.Second), qsign.Expired},
		{"other policy", func(f *qsign.PolicyForm) { f.Policy = "e30=" }, at, qsign.Mismatch},
		{"not base64", func(f *qsign.PolicyForm) { f.Policy = "!" }, at, qsign.Malformed},
		{"other window", func(f *qsign.PolicyForm) { f.KeyTime = "1;2" }, at, qsign.Mismatch},
		{"no window", func(f *qsign.PolicyForm) { f.KeyTime = "" }, at, qsign.Malformed},
		{"unknown key", func(f *qsign.PolicyForm) { f.KeyID = "x" }, at, qsign.UnknownKey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			form := good
			tt.change(&form)
			_, err := qsign.VerifyPolicy(form, lookup, tt.now)
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, tt.want)
		})
	}
}

// The text is the policy of the sample in COS 436/14690 with every form of condition.
func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte(`{"expiration":"2026-11-21T01:16:57.000Z","conditions":[{"acl":"default"},["eq","$key","a"],` +
		`["starts-with","$Content-Type","image/"],["content-length-range",1,"5242880"]]}`))
	f.Add([]byte(`{"expiration":"2026-11-21T01:16:57Z","conditions":[["content-length-range",-1,1e99]]}`))
	f.Add([]byte(`{"expiration":"x"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := qsign.ParsePolicy(text)
		if err != nil {
			require.ErrorIs(t, err, qsign.Malformed)
			return
		}
		_ = p.CheckFields(map[string]string{"key": "a"})
		require.LessOrEqual(t, p.MaxSize(10), int64(10))
	})
}
