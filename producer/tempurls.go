package producer

import (
	"context"
	"fmt"
	"net/http"

	"github.com/afterput/afterput/pipeline/tempurl"
	"github.com/afterput/afterput/producer/auth"
	"github.com/afterput/afterput/producer/events"
)

// URLs answers under which URLs files can be fetched: *tempurl.Service.
type URLs interface {
	Resolve(ctx context.Context, who tempurl.Viewer, fileIDs []string) []tempurl.Answer
}

// tempURL is one answer, in the shape of getTempFileURL.
type tempURL struct {
	FileID      string `json:"fileID"`
	TempFileURL string `json:"tempFileURL"`
	// MaxAge is for how many seconds the URL may be used.
	MaxAge int64  `json:"maxAge"`
	Code   string `json:"code"`
}

// RegisterTempURLs mounts POST /v1/temp-urls. End users get the URLs of public files and
// of their own.
func (a *API) RegisterTempURLs(mux Mux, urls URLs) {
	h := func(w http.ResponseWriter, r *http.Request) { a.postTempURLs(w, r, urls) }
	mux.Handle("POST /v1/temp-urls", auth.WithRequestID(a.keys.RequireOwn(auth.ScopeRead, http.HandlerFunc(h))))
}

func (a *API) postTempURLs(w http.ResponseWriter, r *http.Request, urls URLs) {
	body, err := a.body(w, r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	ids, err := events.DecodeFileIDs(body)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	owner := auth.Owner(r.Context())
	answers := urls.Resolve(r.Context(), tempurl.Viewer{All: owner == "", Owner: owner}, ids)
	list := make([]tempURL, len(answers))
	failed := 0
	for i, u := range answers {
		list[i] = tempURL{FileID: u.FileID, TempFileURL: u.URL, MaxAge: int64(u.MaxAge.Seconds()), Code: u.Code}
		if u.Code == tempurl.Failed {
			failed++
		}
	}
	if failed == len(list) {
		a.fail(w, r, &auth.Refusal{
			Status: http.StatusServiceUnavailable, Code: string(codeUnavailable), RetryAfter: retryAfter,
			Message: fmt.Sprintf("neither the storage nor the ledger told of any of %d files: try again", failed),
		})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"fileList": list, "requestId": auth.RequestID(w)})
}
