package events

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/afterput/afterput/pipeline"
)

// The codes of bodies that cannot be taken.
const (
	// CodeBadJSON: no JSON, not of the right shape, nested too deeply or not UTF-8.
	CodeBadJSON pipeline.Code = "BAD_JSON"
	// CodeBadForm: a callback whose body is no form that can be read.
	CodeBadForm pipeline.Code = "BAD_FORM"
	// CodeBadCallbackToken: a callback whose URL we did not make, or made too long ago.
	CodeBadCallbackToken pipeline.Code = "BAD_CALLBACK_TOKEN"
	// CodeTrailingData: something follows the JSON value.
	CodeTrailingData pipeline.Code = "TRAILING_DATA"
	// CodeUnknownField: a field that the API does not have.
	CodeUnknownField pipeline.Code = "UNKNOWN_FIELD"
	// CodeDuplicateField: a field that stands twice in one object.
	CodeDuplicateField pipeline.Code = "DUPLICATE_FIELD"
	// CodeMissingField: a field that is needed.
	CodeMissingField pipeline.Code = "MISSING_FIELD"
	// CodeBadField: a field with a value of the wrong type or out of its bounds.
	CodeBadField pipeline.Code = "BAD_FIELD"
	// CodeEmptyName: an entry of files that names nothing.
	CodeEmptyName pipeline.Code = "EMPTY_NAME"
	// CodeDuplicateFile: a file that stands twice in one call.
	CodeDuplicateFile pipeline.Code = "DUPLICATE_FILE"
	// CodeTooManyFiles: more than MaxFiles files in one call.
	CodeTooManyFiles pipeline.Code = "TOO_MANY_FILES"
	// CodeBadPosition: a position that is no whole number from 0 to MaxPosition.
	CodeBadPosition pipeline.Code = "BAD_POSITION"
	// CodeNoRecords: a COS event without records.
	CodeNoRecords pipeline.Code = "NO_RECORDS"
	// CodeTooManyRecords: a COS event with more than MaxRecords records.
	CodeTooManyRecords pipeline.Code = "TOO_MANY_RECORDS"
)

// refuse makes the error of a body. field is the field's path, such as files[3].position.
func refuse(op string, code pipeline.Code, field, format string, args ...any) error {
	e := pipeline.Errorf(pipeline.Invalid, op, field, format, args...)
	e.Code = code
	return e
}

// clip quotes a value of a caller for an error, shortened.
func clip(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return fmt.Sprintf("%q", strings.ToValidUTF8(s, "\uFFFD"))
}
