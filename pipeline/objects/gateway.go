package objects

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"net/http"

	"github.com/afterput/afterput/pipeline"
)

// defaultType is what COS stores for an object without a type.
const defaultType = "application/octet-stream"

// putByGateway puts an object as a client of CloudBase does: the gateway gives a signed URL
// and headers, and the bytes go straight to COS.
func (s *Store) putByGateway(ctx context.Context, b *bucket, id pipeline.FileID, body []byte, opt pipeline.PutOptions) (http.Header, error) {
	const op = "objects.put"
	kind := opt.ContentType
	if kind == "" {
		kind = defaultType
	}
	to, err := b.uploads.Upload(ctx, id, int64(len(body)), kind)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, to.URL, bytes.NewReader(body))
	if err != nil {
		return nil, pipeline.Errorf(pipeline.Invalid, op, id.Path, "%w", bare(err))
	}
	r.Header = to.Header.Clone()
	r.Header.Set("Content-MD5", contentMD5(body))
	if opt.CacheControl != "" {
		r.Header.Set("Cache-Control", opt.CacheControl)
	}
	resp, err := s.plain.Do(r)
	if err != nil {
		return nil, b.failure(op, id.Path, err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body) // bounded; a body that breaks off tells less, the status decides
	if resp.StatusCode != http.StatusOK {
		var told struct{ Code, Message string }
		_ = xml.Unmarshal(text, &told)
		message := b.clean(told.Message, to.Header.Get("X-Cos-Security-Token"), to.Header.Get("Authorization"))
		return nil, b.refused(op, id.Path, resp, told.Code, message)
	}
	return resp.Header, nil
}
