package qsign

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Policy says what a POST upload may hold (COS 436/14690).
type Policy struct {
	// Expiration is when the policy ends. SignPolicy takes the end of its window where
	// this is zero.
	Expiration time.Time
	// Conditions must all hold.
	Conditions []Condition
}

// Condition is one rule of a policy.
type Condition struct {
	// Op is OpEqual, OpPrefix or OpSize.
	Op Op
	// Field is the form field without "$"; its case does not matter. Empty for OpSize.
	Field string
	// Value is what the field must be, or begin with.
	Value string
	// Min and Max bound the file's size in bytes, both included; for OpSize.
	Min, Max int64
}

// Op is how a condition compares.
type Op string

// The comparisons of a policy.
const (
	OpEqual  Op = "eq"
	OpPrefix Op = "starts-with"
	OpSize   Op = "content-length-range"
)

// Equal is the condition that a field has exactly this value.
func Equal(field, value string) Condition {
	return Condition{Op: OpEqual, Field: field, Value: value}
}

// Prefix is the condition that a field begins with value. There are no wildcards: a
// Content-Type of any image is the prefix "image/".
func Prefix(field, value string) Condition {
	return Condition{Op: OpPrefix, Field: field, Value: value}
}

// Size is the condition that the file has from lo to hi bytes.
func Size(lo, hi int64) Condition { return Condition{Op: OpSize, Min: lo, Max: hi} }

const policyTime = "2006-01-02T15:04:05.000Z"

// MarshalJSON writes the policy text.
func (p Policy) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Expiration string      `json:"expiration"`
		Conditions []Condition `json:"conditions"`
	}{p.Expiration.UTC().Format(policyTime), p.Conditions})
}

// MarshalJSON writes the condition in the form that COS documents.
func (c Condition) MarshalJSON() ([]byte, error) {
	switch c.Op {
	case OpEqual:
		return json.Marshal(map[string]string{c.Field: c.Value})
	case OpPrefix:
		return json.Marshal([]string{string(OpPrefix), "$" + c.Field, c.Value})
	case OpSize:
		return json.Marshal([]any{OpSize, c.Min, c.Max})
	}
	return nil, fmt.Errorf("qsign: unknown condition %q", c.Op)
}

// ParsePolicy reads a policy text. Its error has the kind Malformed.
func ParsePolicy(text []byte) (Policy, error) {
	var raw struct {
		Expiration string            `json:"expiration"`
		Conditions []json.RawMessage `json:"conditions"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return Policy{}, fail(Malformed, "the policy is not JSON")
	}
	end, err := time.Parse(time.RFC3339, raw.Expiration)
	if err != nil {
		return Policy{}, fail(Malformed, "the policy's expiration is not an ISO 8601 time")
	}
	p := Policy{Expiration: end}
	for _, r := range raw.Conditions {
		cs, err := parseCondition(r)
		if err != nil {
			return Policy{}, err
		}
		p.Conditions = append(p.Conditions, cs...)
	}
	return p, nil
}

// parseCondition reads {"field":"value", ...}, ["eq"|"starts-with","$field","value"] or
// ["content-length-range",min,max].
func parseCondition(raw json.RawMessage) ([]Condition, error) {
	var object map[string]string
	if json.Unmarshal(raw, &object) == nil {
		out := make([]Condition, 0, len(object))
		for _, name := range sortedKeys(object) {
			out = append(out, Equal(name, object[name]))
		}
		return out, nil
	}
	var list []any
	if json.Unmarshal(raw, &list) != nil || len(list) != 3 {
		return nil, fail(Malformed, "a condition is neither {field: value} nor [op, field, value]")
	}
	op, _ := list[0].(string)
	if Op(strings.ToLower(op)) == OpSize {
		lo, ok1 := whole(list[1])
		hi, ok2 := whole(list[2])
		if !ok1 || !ok2 {
			return nil, fail(Malformed, "content-length-range has no two numbers")
		}
		return []Condition{Size(lo, hi)}, nil
	}
	field, ok1 := list[1].(string)
	value, ok2 := list[2].(string)
	field, ok3 := strings.CutPrefix(field, "$")
	if !ok1 || !ok2 || !ok3 {
		return nil, fail(Malformed, "a condition has no $field and value")
	}
	switch op = strings.ToLower(op); op {
	case string(OpEqual):
		return []Condition{Equal(field, value)}, nil
	case string(OpPrefix):
		return []Condition{Prefix(field, value)}, nil
	}
	return nil, fail(Malformed, "unknown condition %.40q", op)
}

// whole reads a size: a whole number, or one in quotes.
func whole(v any) (int64, bool) {
	switch v := v.(type) {
	case float64:
		return int64(v), v == math.Trunc(v) && v >= 0 && v < 1<<53
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil && n >= 0
	}
	return 0, false
}

// CheckFields tells whether the form fields keep the policy's conditions. Names in
// fields are in lower case, and hold "bucket" besides those of the form. Errors have the
// kind Violated.
func (p Policy) CheckFields(fields map[string]string) error {
	for _, c := range p.Conditions {
		v, ok := fields[strings.ToLower(c.Field)]
		switch c.Op {
		case OpSize:
			continue
		case OpEqual:
			ok = ok && v == c.Value
		case OpPrefix:
			ok = ok && strings.HasPrefix(v, c.Value)
		}
		if !ok {
			return fail(Violated, "condition key %.60s doesn't match", c.Field)
		}
	}
	return nil
}

// MaxSize gives the largest size that the policy allows, or limit where it says nothing
// smaller.
func (p Policy) MaxSize(limit int64) int64 {
	for _, c := range p.Conditions {
		if c.Op == OpSize {
			limit = min(limit, c.Max)
		}
	}
	return limit
}

// CheckSize tells whether a file of n bytes keeps every content-length-range. Errors
// have the kind TooLarge or TooSmall.
func (p Policy) CheckSize(n int64) error {
	for _, c := range p.Conditions {
		switch {
		case c.Op != OpSize:
		case n > c.Max:
			return fail(TooLarge, "%d bytes, allowed are %d", n, c.Max)
		case n < c.Min:
			return fail(TooSmall, "%d bytes, at least %d are wanted", n, c.Min)
		}
	}
	return nil
}
