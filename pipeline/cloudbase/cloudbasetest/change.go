package cloudbasetest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// apply changes a document by update operators. It changes a copy, so that what fails in
// the middle has changed nothing.
func apply(d document, change map[string]any) (document, *fault) {
	out := maps.Clone(d)
	seen := map[string]bool{}
	for _, operator := range slices.Sorted(maps.Keys(change)) {
		fields, ok := change[operator].(map[string]any)
		if !ok {
			return nil, invalid(operator + " wants an object")
		}
		operate, known := operators[operator]
		if !known {
			return nil, unknownOperator(operator)
		}
		for field, operand := range fields {
			if bad := checkField(field); bad != nil {
				return nil, bad
			}
			if field == "_id" || field == "_openid" {
				return nil, invalid("_id and _openid cannot be changed")
			}
			if seen[field] {
				return nil, failed("updating " + field + " twice would create a conflict")
			}
			seen[field] = true
			value, there := out[field]
			next, bad := operate(value, there, operand)
			if bad != nil {
				return nil, bad
			}
			out[field] = next
		}
	}
	return out, nil
}

// operators give the new value of a field.
var operators = map[string]func(value any, there bool, operand any) (any, *fault){
	"$set":      func(_ any, _ bool, operand any) (any, *fault) { return operand, nil },
	"$inc":      increase,
	"$addToSet": addToSet,
	"$push":     push,
	"$pullAll":  pullAll,
}

func increase(value any, there bool, operand any) (any, *fault) {
	by, ok := operand.(number)
	if !ok {
		return nil, failed("cannot increment with what is not a number")
	}
	if !there {
		return by, nil
	}
	n, ok := value.(number)
	if !ok {
		return nil, failed("cannot apply $inc to a value of non-numeric type")
	}
	return n.plus(by), nil
}

// array gives the array of a field, which may be missing, and not null.
func array(value any, there bool) ([]any, *fault) {
	list, ok := value.([]any)
	if there && !ok {
		return nil, failed("the field is there and not an array")
	}
	return list, nil
}

// each gives what is to be added: one value, or those of $each.
func each(operand any) ([]any, *fault) {
	object, ok := operand.(map[string]any)
	if !ok || !hasOperator(object) {
		return []any{operand}, nil
	}
	list, ok := object["$each"].([]any)
	if !ok || len(object) != 1 {
		return nil, unknownOperator("beside $each")
	}
	return list, nil
}

func addToSet(value any, there bool, operand any) (any, *fault) {
	list, bad := array(value, there)
	if bad != nil {
		return nil, bad
	}
	more, bad := each(operand)
	if bad != nil {
		return nil, bad
	}
	list = slices.Clone(list)
	for _, one := range more {
		if !slices.ContainsFunc(list, func(have any) bool { return equal(have, one) }) {
			list = append(list, one)
		}
	}
	return orEmpty(list), nil
}

func push(value any, there bool, operand any) (any, *fault) {
	list, bad := array(value, there)
	if bad != nil {
		return nil, bad
	}
	more, bad := each(operand)
	return orEmpty(slices.Concat(list, more)), bad
}

func pullAll(value any, there bool, operand any) (any, *fault) {
	list, bad := array(value, there)
	if bad != nil {
		return nil, bad
	}
	gone, ok := operand.([]any)
	if !ok {
		return nil, failed("$pullAll wants an array")
	}
	return orEmpty(slices.DeleteFunc(slices.Clone(list), func(have any) bool {
		return slices.ContainsFunc(gone, func(one any) bool { return equal(have, one) })
	})), nil
}

func orEmpty(list []any) []any {
	if list == nil {
		return []any{}
	}
	return list
}

// asChange gives the operators of an update: fields without any are set.
func asChange(data map[string]any) (map[string]any, *fault) {
	if len(data) == 0 {
		return nil, invalid("data is empty")
	}
	if !hasOperator(data) {
		return map[string]any{"$set": data}, nil
	}
	for name := range data {
		if !strings.HasPrefix(name, "$") {
			return nil, invalid("operators and fields are mixed")
		}
	}
	return data, nil
}

// failed is a refusal by the database itself.
func failed(message string) *fault {
	return &fault{http.StatusInternalServerError, "DATABASE_REQUEST_FAILED", message}
}
