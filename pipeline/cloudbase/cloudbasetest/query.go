package cloudbasetest

import (
	"net/http"
	"strings"
)

// equal compares as the database does: numbers by value whatever their type, texts byte by
// byte, arrays in their order.
func equal(a, b any) bool {
	switch a := a.(type) {
	case number:
		b, ok := b.(number)
		return ok && a.value == b.value
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name := range a {
			if of, has := b[name]; !has || !equal(a[name], of) {
				return false
			}
		}
		return true
	case document:
		return equal(map[string]any(a), b)
	}
	switch b.(type) {
	case []any, map[string]any:
		return false
	}
	return a == b
}

// matches tells whether a document is one that a filter asks for.
func matches(d document, filter map[string]any) (bool, *fault) {
	for field, want := range filter {
		if bad := checkField(field); bad != nil {
			return false, bad
		}
		value, there := d[field]
		ok, bad := compare(value, there, want)
		if bad != nil || !ok {
			return false, bad
		}
	}
	return true, nil
}

// compare compares a field with what a filter wants of it: a value or operators.
func compare(value any, there bool, want any) (bool, *fault) {
	operators, isObject := want.(map[string]any)
	if !isObject || !hasOperator(operators) {
		return found(value, there, want), nil
	}
	for name, of := range operators {
		ok := false
		switch name {
		case "$eq":
			ok = found(value, there, of)
		case "$ne":
			ok = !found(value, there, of)
		case "$exists":
			ok = there == (of == true)
		case "$in":
			list, isList := of.([]any)
			if !isList {
				return false, invalid("$in wants an array")
			}
			for _, one := range list {
				ok = ok || found(value, there, one)
			}
		default:
			return false, unknownOperator(name)
		}
		if !ok {
			return false, nil
		}
	}
	return true, nil
}

// found tells whether a field is a value, or holds it: null is also what is not there, and
// an array also matches by one of its entries.
func found(value any, there bool, want any) bool {
	if want == nil && !there {
		return true
	}
	if equal(value, want) {
		return there
	}
	list, _ := value.([]any)
	for _, one := range list {
		if equal(one, want) {
			return true
		}
	}
	return false
}

func hasOperator(object map[string]any) bool {
	for name := range object {
		if strings.HasPrefix(name, "$") {
			return true
		}
	}
	return false
}

// checkField refuses what the real database would read as something else than one field.
func checkField(field string) *fault {
	if field == "" || strings.HasPrefix(field, "$") {
		return unknownOperator(field)
	}
	if strings.ContainsAny(field, ".\x00") {
		return invalid("this gateway knows no fields of fields")
	}
	return nil
}

func unknownOperator(name string) *fault {
	return &fault{http.StatusForbidden, "DATABASE_INVALID_OPERRATOR", "this gateway does not know the operator " + name}
}
