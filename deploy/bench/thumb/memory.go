package main

import (
	"context"
	"encoding/json"
	"fmt"
)

// uncollected runs ours without garbage collection, so that peak memory grows by whatever
// an image leaves behind, and tells the objects that an image takes: M1, to look at.
func uncollected(ctx context.Context, c corpus, o options) ([]qualityRow, error) {
	var objects float64
	hungry := ours
	hungry.env = []string{"GOGC=off"}
	hungry.read = func(stdout []byte) (float64, float64, error) {
		var r struct {
			Items []struct {
				Allocations float64 `json:"allocations"`
			} `json:"items"`
		}
		if err := json.Unmarshal(stdout, &r); err != nil || len(r.Items) != 1 {
			return 0, 0, fmt.Errorf("%d files measured: %w", len(r.Items), err)
		}
		objects = r.Items[0].Allocations
		return ours.read(stdout)
	}
	sizes := []int{160, 480, 1280}
	few, err := hungry.measure(ctx, o, c.photos[0], sizes, 20)
	if err != nil {
		return nil, err
	}
	many, err := hungry.measure(ctx, o, c.photos[0], sizes, 100)
	if err != nil {
		return nil, err
	}
	return []qualityRow{{
		id: "M1", what: "12 MP -> 160, 480, 1280, garbage collection off: peak RSS after 20 and 100 images; objects per image",
		ours: fmt.Sprintf("%.0f and %.0f MiB; %.0f", float64(few.rss)/(1<<20), float64(many.rss)/(1<<20), objects), theirs: "", must: "none", met: true,
	}}, nil
}
