package tempurl_test

import (
	"context"
	"fmt"
	"log"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/objects"
	"github.com/afterput/afterput/pipeline/tempurl"
)

// Another Go service asks for URLs without the rest of afterput: its own buckets and
// rules, and the cache that the workers keep warm.
func ExampleService() {
	server := miniredis.NewMiniRedis() // yours is a real one
	if err := server.Start(); err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer func() { _ = rdb.Close() }()
	cache, err := tempurl.NewCache(rdb, tempurl.CacheOptions{})
	if err != nil {
		log.Fatal(err)
	}
	store, err := objects.New(objects.Options{Buckets: []objects.BucketOptions{
		{Name: "photos-1250000000", Region: "ap-guangzhou", SecretID: "AKIDtest", SecretKey: "secret"},
	}})
	if err != nil {
		log.Fatal(err)
	}
	urls, err := tempurl.NewService(tempurl.Options{
		Buckets: pipeline.Buckets{{Name: "photos-1250000000"}},
		Source:  tempurl.NewCOS(store, nil),
		Cache:   cache,
		// pipeline.ProbeVisibility(store) asks the bucket.
		Visible: func(_ context.Context, _, key string) (pipeline.Visibility, error) {
			if pipeline.OwnerOf(key) != "" {
				return pipeline.Private, nil
			}
			return pipeline.Public, nil
		},
		// store.Head asks the bucket.
		Exists: func(context.Context, string, string) error { return nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = urls.Close() }()

	for _, a := range urls.Resolve(context.Background(), tempurl.Viewer{Owner: "oX"}, []string{
		"cos://photos-1250000000/banner.jpg",
		"cos://photos-1250000000/users/oX/1.jpg",
		"cos://photos-1250000000/users/oY/1.jpg",
	}) {
		fmt.Println(a.Code, a.URL != "", a.MaxAge.Round(1e9))
	}
	// Output:
	// SUCCESS true 2h0m0s
	// SUCCESS true 10m0s
	// STORAGE_EXCEED_AUTHORITY false 0s
}
