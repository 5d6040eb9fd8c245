package producer_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/tasks"
)

// A service of your own announces what its users uploaded: in the ledger first, then in
// the queue.
func ExampleProducer_Accept() {
	ctx := context.Background()
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	dir, err := os.MkdirTemp("", "afterput")
	must(err)
	defer func() { _ = os.RemoveAll(dir) }()
	db, err := sqldb.Create(ctx, "sqlite://"+filepath.Join(dir, "ledger.db"))
	must(err)
	defer db.Close()
	record, err := ledger.New(ledger.Options{DB: db})
	must(err)
	must(record.Migrate(ctx))
	server, err := miniredis.Run() // yours is a real one
	must(err)
	defer server.Close()
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer rdb.Close()

	p, err := producer.New(producer.Options{
		Ledger: record, Queue: tasks.NewEnqueuer(rdb, nil, nil),
		Objects: &bucketFake{}, // yours is objects.New
		Buckets: pipeline.Buckets{{Name: "photos-1250000000"}},
		Rules:   producer.Rules{Orders: true, Derivative: pipeline.ThumbnailOptions{}.Derivative},
		Logger:  slog.New(slog.DiscardHandler),
	})
	must(err)
	for range 2 {
		receipts, err := p.Accept(ctx, "", []pipeline.Announcement{{
			Bucket: "photos-1250000000", Key: "users/oX/1.jpg", Order: "A12", Position: new(0), Source: "api",
		}})
		must(err)
		fmt.Println(receipts[0].FileID, "new:", receipts[0].New)
	}
	// Output:
	// cos://photos-1250000000/users/oX/1.jpg new: true
	// cos://photos-1250000000/users/oX/1.jpg new: false
}
