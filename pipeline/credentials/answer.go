package credentials

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline/qsign"
)

// answer is what the program prints.
type answer struct {
	SecretID  string `json:"secretId"`
	SecretKey string `json:"secretKey"`
	// Token is the session token of temporary keys.
	Token string `json:"token"`
	// Expiration is RFC 3339, or Unix seconds as a number or as text.
	Expiration moment `json:"expiration"`
}

// moment is a time in one of the forms that services give it.
type moment struct{ time.Time }

// UnmarshalJSON reads RFC 3339 or Unix seconds. Null and the empty text are no time.
func (m *moment) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	if text == "" || text == "null" {
		return nil
	}
	if s, err := strconv.ParseInt(text, 10, 64); err == nil {
		m.Time = time.Unix(s, 0)
		return nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return errors.New("expiration is neither RFC 3339 nor Unix seconds")
	}
	m.Time = at
	return nil
}

// parse reads the answer. Errors show nothing of it.
func parse(out []byte, now time.Time) (qsign.Key, error) {
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		if len(strings.TrimSpace(string(out))) == 0 {
			return qsign.Key{}, errors.New("it printed nothing")
		}
		if _, ok := errors.AsType[*json.SyntaxError](err); ok {
			return qsign.Key{}, errors.New("it printed no JSON")
		}
		if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return qsign.Key{}, errors.New("it printed JSON in which " + kind.Field + " is no text")
		}
		return qsign.Key{}, err
	}
	switch {
	case a.SecretID == "" || a.SecretKey == "":
		return qsign.Key{}, errors.New("it printed no secretId or no secretKey")
	case strings.TrimSpace(a.SecretID) != a.SecretID || strings.TrimSpace(a.SecretKey) != a.SecretKey:
		return qsign.Key{}, errors.New("secretId or secretKey has a space around it")
	case strings.ContainsFunc(a.SecretID+a.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return qsign.Key{}, errors.New("secretId or token has characters that no header takes")
	case !a.Expiration.IsZero() && !a.Expiration.After(now):
		return qsign.Key{}, errors.New("the keys that it printed ended at " + a.Expiration.UTC().Format(time.RFC3339))
	case a.Token != "" && a.Expiration.IsZero():
		return qsign.Key{}, errors.New("it printed a token without expiration")
	}
	return qsign.Key{ID: a.SecretID, Secret: a.SecretKey, Token: a.Token, Expires: a.Expiration.Time}, nil
}
