package orders

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/afterput/afterput/pipeline/cloudbase"
)

// named is what a field with an ID may hold: the text, or an ObjectId of these digits.
func named(id string) any {
	if len(id) != 24 || strings.Trim(id, "0123456789abcdef") != "" {
		return id
	}
	return cloudbase.Object{"$in": []any{id, cloudbase.Object{"$oid": id}}}
}

// exactly refuses an ID that is not the one that was asked for: a query also finds the
// documents whose field is an array with it.
func exactly(raw json.RawMessage, id string) error {
	if found, err := idOf(raw); err != nil || found != id {
		return fmt.Errorf("it is %s", excerpt(string(raw)))
	}
	return nil
}

// idOf reads an ID: a text, or the digits of an ObjectId.
func idOf(raw json.RawMessage) (string, error) {
	var oid struct {
		ID string `json:"$oid"`
	}
	text, err := textOf(raw)
	if err != nil && json.Unmarshal(raw, &oid) == nil && oid.ID != "" {
		return oid.ID, nil
	}
	if err == nil && text == "" {
		err = errors.New("there is none")
	}
	return text, err
}

// textOf reads a text; none and null are empty.
func textOf(raw json.RawMessage) (text string, err error) {
	if raw == nil || isNull(raw) {
		return "", nil
	}
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", fmt.Errorf("want a text, found %s", excerpt(string(raw)))
	}
	return text, nil
}

// wholeNumber reads a number of strict extended JSON, or one that an older writer left as
// it is in JSON; none is 0. What cannot be counted up is refused: null, texts, fractions.
func wholeNumber(raw json.RawMessage) (int64, error) {
	if raw == nil {
		return 0, nil
	}
	var typed map[string]string
	text := string(bytes.TrimSpace(raw))
	if json.Unmarshal(raw, &typed) == nil && len(typed) == 1 {
		for _, kind := range []string{"$numberInt", "$numberLong", "$numberDouble"} {
			if of, ok := typed[kind]; ok {
				text = of
			}
		}
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(text, ".0"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("want a whole number, found %s", excerpt(string(raw)))
	}
	return n, nil
}

func isNull(raw json.RawMessage) bool { return bytes.Equal(bytes.TrimSpace(raw), []byte("null")) }

func fieldError(field string, err error) error { return fmt.Errorf("field %q: %w", field, err) }
