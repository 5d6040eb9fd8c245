package cloudbasetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// document is one document. Its values are those of BSON that JSON texts can hold: nil,
// bool, string, number, date, objectID, []any and map[string]any.
type document map[string]any

// number is a BSON number; its type is part of how it is shown, and not of its value.
type number struct {
	kind  string // $numberInt, $numberLong or $numberDouble
	value float64
	text  string
}

// date is a BSON date in milliseconds since 1970.
type date int64

// objectID is 24 hex digits.
type objectID string

const (
	numberInt    = "$numberInt"
	numberLong   = "$numberLong"
	numberDouble = "$numberDouble"
)

// parse reads relaxed or strict extended JSON. The server's date, {"$date": {"offset": ms}}
// and in the older protocols {"$tcb_server_date": ...}, becomes what now says. Whatever else
// begins with a dollar is an operator and stays an object.
func parse(text []byte, now time.Time) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return typed(v, now)
}

func parseObject(text []byte, now time.Time) (map[string]any, error) {
	v, err := parse(text, now)
	if err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("not an object")
	}
	return object, nil
}

func typed(v any, now time.Time) (any, error) {
	switch v := v.(type) {
	case json.Number:
		return relaxedNumber(v.String())
	case []any:
		for i := range v {
			item, err := typed(v[i], now)
			if err != nil {
				return nil, err
			}
			v[i] = item
		}
	case map[string]any:
		if len(v) == 1 {
			for name, of := range v {
				if value, special, err := special(name, of, now); special || err != nil {
					return value, err
				}
			}
		}
		for name, of := range v {
			item, err := typed(of, now)
			if err != nil {
				return nil, err
			}
			v[name] = item
		}
	}
	return v, nil
}

// special reads an object that stands for one value.
func special(name string, of any, now time.Time) (value any, ok bool, err error) {
	switch name {
	case numberInt, numberLong, numberDouble:
		text, isText := of.(string)
		if !isText {
			return nil, true, fmt.Errorf("%s wants a text", name)
		}
		n, err := newNumber(name, text)
		return n, true, err
	case "$oid":
		text, isText := of.(string)
		if !isText || len(text) != 24 {
			return nil, true, errors.New("$oid wants 24 hex digits")
		}
		return objectID(text), true, nil
	case "$date", "$tcb_server_date":
		d, err := parseDate(of, now)
		return d, true, err
	}
	return nil, false, nil
}

func parseDate(of any, now time.Time) (date, error) {
	if text, ok := of.(string); ok {
		at, err := time.Parse(time.RFC3339, text)
		return date(at.UnixMilli()), err
	}
	server := false
	if object, ok := of.(map[string]any); ok && object["offset"] != nil {
		of, server = object["offset"], true
	}
	v, err := typed(of, now)
	if err != nil {
		return 0, err
	}
	n, ok := v.(number)
	if !ok {
		return 0, errors.New("not a $date")
	}
	if server {
		return date(now.UnixMilli() + int64(n.value)), nil
	}
	return date(n.value), nil
}

func relaxedNumber(text string) (number, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n >= math.MinInt32 && n <= math.MaxInt32 {
			return newNumber(numberInt, text)
		}
		return newNumber(numberLong, text)
	}
	return newNumber(numberDouble, text)
}

func newNumber(kind, text string) (number, error) {
	bits := map[string]int{numberInt: 32, numberLong: 64}[kind]
	if bits == 0 {
		f, err := strconv.ParseFloat(text, 64)
		return number{kind, f, text}, err
	}
	n, err := strconv.ParseInt(text, 10, bits)
	return number{kind, float64(n), text}, err
}

// plus adds, in the wider type of both.
func (n number) plus(m number) number {
	sum := n.value + m.value
	kind := n.kind
	if m.kind == numberDouble || n.kind == numberInt {
		kind = m.kind
	}
	if kind == numberDouble || math.Abs(sum) > 1<<53 {
		return number{numberDouble, sum, strconv.FormatFloat(sum, 'f', -1, 64)}
	}
	if kind == numberInt && math.Abs(sum) > math.MaxInt32 {
		kind = numberLong
	}
	return number{kind, sum, strconv.FormatInt(int64(sum), 10)}
}

// strict gives a value as strict extended JSON, which every answer of the HTTP API is.
func strict(v any) any {
	switch v := v.(type) {
	case document:
		return strict(map[string]any(v))
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, of := range v {
			out[name] = strict(of)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = strict(v[i])
		}
		return out
	case number:
		text := v.text
		if v.kind == numberDouble && !strings.ContainsAny(text, ".eEnN") {
			text += ".0"
		}
		return map[string]any{v.kind: text}
	case date:
		return map[string]any{"$date": map[string]any{numberLong: strconv.FormatInt(int64(v), 10)}}
	case objectID:
		return map[string]any{"$oid": string(v)}
	}
	return v
}

// relaxed gives a value as the older protocol of clients has it.
func relaxed(v any) any {
	switch v := v.(type) {
	case document:
		return relaxed(map[string]any(v))
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, of := range v {
			out[name] = relaxed(of)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = relaxed(v[i])
		}
		return out
	case number:
		return v.value
	case date:
		return map[string]any{"$date": int64(v)}
	case objectID:
		return string(v)
	}
	return v
}
