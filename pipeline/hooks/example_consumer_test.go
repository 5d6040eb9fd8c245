package hooks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/hooks"
)

// consumer is a receiver of webhooks as a shop may write it, with the official library.
type consumer struct {
	verify *standardwebhooks.Webhook
	// seen and orders would be tables, written in one transaction.
	seen   map[string]bool
	orders map[string]int
}

func (c *consumer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	if err := c.verify.Verify(body, r.Header); err != nil {
		http.Error(w, "signature", http.StatusUnauthorized)
		return
	}
	id := r.Header.Get("webhook-id")
	if c.seen[id] {
		fmt.Println("seen before:", id)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var event struct {
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		http.Error(w, "json", http.StatusBadRequest)
		return
	}
	switch event.Type {
	case "order.updated":
		var order struct {
			Order    string   `json:"order"`
			Revision int      `json:"revision"`
			FileIDs  []string `json:"fileIDs"`
		}
		if err := json.Unmarshal(event.Data, &order); err != nil {
			http.Error(w, "json", http.StatusBadRequest)
			return
		}
		if order.Revision > c.orders[order.Order] { // they come in no fixed order
			c.orders[order.Order] = order.Revision
			fmt.Println(event.Type, order.Order, order.FileIDs)
		}
	default:
		fmt.Println(event.Type) // more kinds may come
	}
	c.seen[id] = true
	w.WriteHeader(http.StatusNoContent)
}

// A receiver verifies the signature, drops a webhook-id that it has seen, and keeps the
// highest revision of each order.
func Example_consumer() {
	const secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
	verify, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(&consumer{verify: verify, seen: map[string]bool{}, orders: map[string]int{}})
	defer server.Close()

	sender, err := hooks.New(hooks.Options{URL: server.URL, Secrets: []string{secret}, AllowPrivate: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sender.Close() //nolint:errcheck // an example
	at := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	done := pipeline.Outcome{UploadID: "5f2c", Revision: 1, FileID: "cos://photos-125/1.jpg", State: pipeline.UploadDone, At: at}
	both := pipeline.OrderUpdate{Order: "A12", Revision: 2, FileIDs: []string{"cos://photos-125/1.jpg", "cos://photos-125/2.jpg"}, At: at}
	first := pipeline.OrderUpdate{Order: "A12", Revision: 1, FileIDs: both.FileIDs[:1], At: at}
	for _, e := range []pipeline.Event{done.Event(), done.Event(), both.Event(), first.Event()} {
		if _, err := sender.Notify(context.Background(), e); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// upload.done
	// seen before: 5f2c.1
	// order.updated A12 [cos://photos-125/1.jpg cos://photos-125/2.jpg]
}
