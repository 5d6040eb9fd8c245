package objects_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/objects"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
)

// A store over a COS server on disk: the development world in a few lines.
func Example() {
	dir, err := os.MkdirTemp("", "cos")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	server, err := coslocal.New(coslocal.Options{
		Dir: dir, Bucket: "photos-1250000000", Keys: map[string]string{"AKIDdev": "secret"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	web := httptest.NewServer(server)
	defer web.Close()
	defer server.Close() //nolint:errcheck // waits for the events

	store, err := objects.New(objects.Options{Buckets: []objects.BucketOptions{
		{Name: "photos-1250000000", Endpoint: web.URL, SecretID: "AKIDdev", SecretKey: "secret"},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close() //nolint:errcheck // never fails
	ctx := context.Background()
	if _, err := store.Put(ctx, "photos-1250000000", "users/openid/1.jpg", []byte("hello"), pipeline.PutOptions{ContentType: "image/jpeg"}); err != nil {
		fmt.Println(err)
		return
	}
	info, err := store.Head(ctx, "photos-1250000000", "users/openid/1.jpg")
	fmt.Println(info.Size, info.ContentType, err)
	_, err = store.Head(ctx, "photos-1250000000", "users/openid/2.jpg")
	fmt.Println(pipeline.ClassOf(err))
	// Output:
	// 5 image/jpeg <nil>
	// missing
}
