package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/afterput/afterput/pipeline"
)

// knock announces what the API has to refuse before any object is looked at, and tells
// what it answered. Each is one line of sent.jsonl.
func (p *phones) knock(ctx context.Context) ([]Rejection, error) {
	var out []Rejection
	for _, k := range []struct {
		file string
		want pipeline.Code
	}{
		{"/users/o1/lead.jpg", pipeline.CodeInvalidFileName},
		{"users/o1//double.jpg", pipeline.CodeInvalidFileName},
		{"users/o1/../up.jpg", pipeline.CodeInvalidFileName},
		{"users/o1/nul\x00.jpg", pipeline.CodeInvalidFileName},
		{"users/o1/" + strings.Repeat("n", 900) + ".jpg", pipeline.CodeInvalidFileName},
		{"temp/1.jpg", pipeline.CodeOwnerMissing},
		{"cloud://other-env.6f74-other-env-1250000000/users/o1/1.jpg", pipeline.CodeWrongEnvironment},
	} {
		if err := p.sent.add(Sent{Name: "announcement", Key: k.file, Want: k.want, Door: true}); err != nil {
			return nil, err
		}
		status, body, err := p.post(ctx, map[string]any{"files": []string{k.file}})
		if err != nil {
			return nil, err
		}
		var answer struct {
			Code pipeline.Code `json:"code"`
		}
		if err := json.Unmarshal(body, &answer); err != nil || status/100 != 4 {
			return nil, fmt.Errorf("announcing %q was answered with %d: %s", k.file, status, body)
		}
		out = append(out, Rejection{Key: k.file, Code: answer.Code, Door: true})
	}
	return out, nil
}

// unreadable are requests that are refused whole, whatever files they name.
func (p *phones) unreadable(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	for name, v := range map[string]any{
		"body of 2 MiB": map[string]any{"order": strings.Repeat("x", 2<<20), "files": []string{"users/o1/1.jpg"}},
		"unknown field": map[string]any{"orderr": "A1", "files": []string{"users/o1/1.jpg"}},
	} {
		status, _, err := p.post(ctx, v)
		if err != nil {
			return nil, err
		}
		if status == http.StatusAccepted {
			return nil, fmt.Errorf("%s was accepted", name)
		}
		out[name] = status
	}
	return out, nil
}
