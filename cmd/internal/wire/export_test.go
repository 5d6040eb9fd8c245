package wire

import (
	"context"

	"github.com/afterput/afterput/pipeline"
)

// Visibility asks the rule that checks go by.
func (a *App) Visibility(ctx context.Context, bucket, key string) (pipeline.Visibility, error) {
	return a.visibility()(ctx, bucket, key)
}
