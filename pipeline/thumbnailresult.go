package pipeline

import (
	"encoding/json"
	"slices"
)

// ThumbnailResult is what a thumbnail step leaves behind.
type ThumbnailResult struct {
	// Thumbnails are those that were written.
	Thumbnails []OutcomeThumbnail `json:"thumbnails"`
	// ETag is the content that they were made from, Specs how, by the names of presets.
	ETag  string            `json:"etag,omitempty"`
	Specs map[string]string `json:"specs,omitempty"`
}

// readThumbnails reads the result of an earlier run; one about other content counts nothing.
func readThumbnails(kept json.RawMessage, etag string) (ThumbnailResult, error) {
	var res ThumbnailResult
	if len(kept) > 0 {
		if err := json.Unmarshal(kept, &res); err != nil {
			return res, err
		}
	}
	if res.ETag != etag {
		res = ThumbnailResult{ETag: etag}
	}
	return res, nil
}

// Lacks gives the presets that have no thumbnail, or one that was made by another spec.
func (r ThumbnailResult) Lacks(presets []Preset) []Preset {
	var lacks []Preset
	for _, p := range presets {
		if r.Specs[p.Name] != p.Spec() {
			lacks = append(lacks, p)
		}
	}
	return lacks
}

// Without gives the result as if the named presets had never been made by any spec. Their
// thumbnails stay in it until they are replaced.
func (r ThumbnailResult) Without(presets []string) ThumbnailResult {
	specs := make(map[string]string, len(r.Specs))
	for name, spec := range r.Specs {
		if !slices.Contains(presets, name) {
			specs[name] = spec
		}
	}
	r.Specs = specs
	return r
}

// replace puts a thumbnail in, or in the place of the one that its preset had, whose key it
// gives.
func (r *ThumbnailResult) replace(t OutcomeThumbnail, spec string) (old string) {
	if r.Specs == nil {
		r.Specs = make(map[string]string)
	}
	r.Specs[t.Preset] = spec
	i := slices.IndexFunc(r.Thumbnails, func(o OutcomeThumbnail) bool { return o.Preset == t.Preset })
	if i < 0 {
		r.Thumbnails = append(r.Thumbnails, t)
		return ""
	}
	old, r.Thumbnails[i] = r.Thumbnails[i].Key, t
	return old
}
