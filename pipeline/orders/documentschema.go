package orders

import (
	"context"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/cloudbase"
)

// samples is how many documents Inspect looks at.
const samples = 20

// CheckSchema tells whether orders can be read and written: see Inspect.
func (s *Documents) CheckSchema(ctx context.Context) error {
	_, err := s.Inspect(ctx)
	return err
}

// Inspect compares the options with the live collection: whether it is there, may be read
// and written with this key, and has a document of the types that the options say, unless
// it is empty. It sends the update of an attach for no document. KeyUnique is told of _id
// alone: indexes cannot be seen.
func (s *Documents) Inspect(ctx context.Context) (Schema, error) {
	found := Schema{KeyUnique: s.opt.KeyField == "_id"}
	documents, err := s.col.Find(ctx, cloudbase.Object{}, s.opt.fields(), samples)
	if err != nil {
		return found, fail(opSchema, s.opt.Collection, err)
	}
	var wrong error
	for _, d := range documents {
		var o pipeline.Order
		if o.ID, err = idOf(d[s.opt.KeyField]); err == nil {
			_, err = s.take(&o, d)
		} else {
			err = fieldError(s.opt.KeyField, err)
		}
		if err == nil {
			found.ImagesType, wrong = "array", nil
			break
		}
		wrong = err
	}
	if wrong != nil {
		return found, pipeline.Errorf(pipeline.Invalid, opSchema, s.opt.Collection, "none of %d documents suits: %w", len(documents), wrong)
	}
	if _, err := s.col.Update(ctx, cloudbase.Object{"_id": cloudbase.Object{"$in": []any{}}}, s.replace(nil)); err != nil {
		return found, fail(opSchema, s.opt.Collection, err)
	}
	return found, nil
}
