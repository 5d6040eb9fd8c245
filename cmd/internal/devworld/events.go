package devworld

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// deliver hands a COS event to the API as the forwarder in a cloud function does: a
// few tries, then the event is lost, which reconciling is for.
func (w *World) deliver(event []byte) {
	var err error
	for try := range 4 {
		if try > 0 {
			select {
			case <-w.stop:
				return
			case <-time.After(time.Duration(try) * 250 * time.Millisecond):
			}
		}
		if err = w.post(event); err == nil {
			return
		}
	}
	w.opt.Logger.Warn("event could not be delivered", "error", err)
}

func (w *World) post(event []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL()+"/v1/events/cos", bytes.NewReader(event))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+w.Key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	return nil
}
