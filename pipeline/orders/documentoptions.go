package orders

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// DocumentOptions name the collection of the business and the fields of its documents.
// Fields are those of the document itself, not of objects in it.
type DocumentOptions struct {
	// Collection defaults to "orders".
	Collection string
	// KeyField holds the order's ID, as text or, in _id, as an ObjectId. Defaults to "_id".
	KeyField string
	// ImagesField holds the array of fileIDs. None and null read as an empty array. Defaults
	// to "images".
	ImagesField string
	// OwnerField holds the openid that the order belongs to: "_openid" in documents that a
	// client made. Empty means that there is none; then no file is refused for its owner.
	OwnerField string
	// UpdatedAtField is set by each write, to a date by the clock of the database. Empty
	// means that there is none.
	UpdatedAtField string
	// VersionField counts the writes: each compares it, together with array and owner, and
	// raises it by one. A document without it gets it with the first write. Empty means that
	// no field may be added. Then files are added by $addToSet and taken away by $pullAll,
	// which compare the owner alone: nothing that others write is lost, but new files stand
	// at the end, whatever their position, what was moved is not moved back, and a file
	// that the business takes out at the same moment may come back.
	VersionField string
}

func (o DocumentOptions) withDefaults() DocumentOptions {
	for _, d := range []struct {
		name  *string
		value string
	}{{&o.Collection, "orders"}, {&o.KeyField, "_id"}, {&o.ImagesField, "images"}} {
		if *d.name == "" {
			*d.name = d.value
		}
	}
	return o
}

// named lists the fields in use, with the option that names each.
func (o DocumentOptions) named() []column {
	fields := []column{{"KeyField", o.KeyField}, {"ImagesField", o.ImagesField}}
	for _, f := range []column{{"OwnerField", o.OwnerField}, {"UpdatedAtField", o.UpdatedAtField}, {"VersionField", o.VersionField}} {
		if f.name != "" {
			fields = append(fields, f)
		}
	}
	return fields
}

// fields lists what is read of a document.
func (o DocumentOptions) fields() []string {
	var list []string
	for _, f := range o.named() {
		if f.option != "UpdatedAtField" {
			list = append(list, f.name)
		}
	}
	return list
}

// Validate tells, with the option that is wrong, whether the names can be names.
func (o DocumentOptions) Validate() error {
	o = o.withDefaults()
	seen := make(map[string]string)
	for _, f := range append(o.named(), column{"Collection", o.Collection}) {
		if err := checkFieldName(f.name); err != nil {
			return fmt.Errorf("orders: %s: %w", f.option, err)
		}
		if other, ok := seen[f.name]; ok && f.option != "Collection" {
			return fmt.Errorf("orders: %s and %s both name the field %q", other, f.option, f.name)
		}
		seen[f.name] = f.option
	}
	for _, f := range o.named() {
		if (f.name == "_id" || f.name == "_openid") && f.option != "KeyField" && f.option != "OwnerField" {
			return fmt.Errorf("orders: %s: nobody can write to %s", f.option, f.name)
		}
	}
	return nil
}

// checkFieldName refuses what the database would read as an operator, or as a field of a
// field.
func checkFieldName(name string) error {
	switch {
	case !utf8.ValidString(name):
		return fmt.Errorf("the name %q is not valid UTF-8", name)
	case strings.HasPrefix(name, "$"), strings.ContainsAny(name, ".\x00"):
		return fmt.Errorf("the name %q begins with $ or has a dot or a NUL in it", name)
	case utf8.RuneCountInString(name) > MaxNameLen:
		return errors.New("the name is longer than 64 characters")
	}
	return nil
}
