package pipeline_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

func TestParseFileID(t *testing.T) {
	t.Parallel()
	const invalid, badName = pipeline.CodeInvalidFileID, pipeline.CodeInvalidFileName
	for _, tt := range []struct {
		name, in string
		want     pipeline.FileID
		code     pipeline.Code
	}{
		{name: "cloud", in: "cloud://prod-1.7072-prod-1-1250000000/users/o1/1.jpg", want: pipeline.FileID{Env: "prod-1", Bucket: "7072-prod-1-1250000000", Path: "users/o1/1.jpg"}},
		{name: "appid left off", in: "cloud://test2-4a89da.7465-test2-4a89da/A.png", want: pipeline.FileID{Env: "test2-4a89da", Bucket: "7465-test2-4a89da", Path: "A.png"}},
		{name: "cos", in: "cos://photos-1250000000/a/b.jpg", want: pipeline.FileID{Bucket: "photos-1250000000", Path: "a/b.jpg"}},
		{name: "the path is kept byte for byte", in: "cos://b-1/a%2Fb .?#中.jpg", want: pipeline.FileID{Bucket: "b-1", Path: "a%2Fb .?#中.jpg"}},
		{name: "dots of the path split nothing", in: "cloud://e.b/x.y/z.jpg", want: pipeline.FileID{Env: "e", Bucket: "b", Path: "x.y/z.jpg"}},
		{name: "environment with underscore", in: "cloud://my_env.b/a", want: pipeline.FileID{Env: "my_env", Bucket: "b", Path: "a"}},
		{name: "the first dot splits, so a dot is left in the bucket", in: "cloud://e.b.c/a", code: invalid},
		{name: "empty", in: "", code: invalid},
		{name: "a plain key", in: "users/o1/1.jpg", code: invalid},
		{name: "another scheme", in: "https://b-1.cos.ap-guangzhou.myqcloud.com/a.jpg", code: invalid},
		{name: "scheme in capitals", in: "CLOUD://e.b/a", code: invalid},
		{name: "no path", in: "cloud://e.b", code: invalid},
		{name: "no dot", in: "cloud://env/a.jpg", code: invalid},
		{name: "empty environment", in: "cloud://.b/a", code: invalid},
		{name: "long environment", in: "cloud://" + strings.Repeat("e", 41) + ".b/a", code: invalid},
		{name: "empty bucket", in: "cloud://e./a", code: invalid},
		{name: "no bucket", in: "cos:///a", code: invalid},
		{name: "bucket in capitals", in: "cos://Photos/a", code: invalid},
		{name: "empty path", in: "cos://b-1/", code: badName},
		{name: "path with a leading slash", in: "cos://b-1//a", code: badName},
		{name: "path that climbs", in: "cos://b-1/a/../b", code: badName},
		{name: "NUL in the path", in: "cos://b-1/a\x00", code: badName},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := pipeline.ParseFileID(tt.in)
			require.Equal(t, tt.code, pipeline.CodeOf(err), "%v", err)
			require.Equal(t, tt.want, got)
			if tt.code != "" {
				require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
				return
			}
			require.Equal(t, tt.in, got.String())
		})
	}
}

func TestLocate(t *testing.T) {
	t.Parallel()
	buckets := pipeline.Buckets{
		{Name: "plain-1250000000"},
		{Name: "7072-prod-private-1250000000", Env: "prod"},
		{Name: "7072-prod-1250000000", Env: "prod", Aliases: []string{"staging", "old"}},
	}
	const wrongEnv, unknown = pipeline.CodeWrongEnvironment, pipeline.CodeUnknownBucket
	for _, tt := range []struct {
		name, in, want string
		code           pipeline.Code
	}{
		{name: "plain", in: "cos://plain-1250000000/a/b.jpg", want: "plain-1250000000"},
		{name: "cloud", in: "cloud://prod.7072-prod-1250000000/a/b.jpg", want: "7072-prod-1250000000"},
		{name: "second bucket of an environment", in: "cloud://prod.7072-prod-private-1250000000/a/b.jpg", want: "7072-prod-private-1250000000"},
		{name: "appid left off: not the bucket whose name only begins alike", in: "cloud://prod.7072-prod/a/b.jpg", want: "7072-prod-1250000000"},
		{name: "alias with its own bucket", in: "cloud://staging.7374-staging-1250000000/a/b.jpg", want: "7072-prod-1250000000"},
		{name: "second alias", in: "cloud://old.7072-prod-1250000000/a/b.jpg", want: "7072-prod-1250000000"},
		{name: "another environment", in: "cloud://dev.7072-prod-1250000000/a/b.jpg", code: wrongEnv},
		{name: "another bucket of the environment", in: "cloud://prod.other-1250000000/a/b.jpg", code: wrongEnv},
		{name: "half a bucket name", in: "cloud://prod.7072/a/b.jpg", code: wrongEnv},
		{name: "half an appid", in: "cloud://prod.7072-prod-125/a/b.jpg", code: wrongEnv},
		{name: "environment of a plain bucket", in: "cloud://plain.plain-1250000000/a/b.jpg", code: wrongEnv},
		{name: "another plain bucket", in: "cos://other-1250000000/a/b.jpg", code: unknown},
		{name: "a plain name needs its appid", in: "cos://plain/a/b.jpg", code: unknown},
		{name: "a CloudBase bucket by its plain name", in: "cos://7072-prod-1250000000/a/b.jpg", code: unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			id, err := pipeline.ParseFileID(tt.in)
			require.NoError(t, err)
			b, key, err := buckets.Locate(id)
			require.Equal(t, tt.code, pipeline.CodeOf(err), "%v", err)
			require.Equal(t, tt.want, b.Name)
			if tt.code == "" {
				require.Equal(t, "a/b.jpg", key)
				return
			}
			require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
		})
	}
}

func TestBucketFileID(t *testing.T) {
	t.Parallel()
	require.Equal(t, "cos://b-1/a.jpg", pipeline.Bucket{Name: "b-1"}.FileID("a.jpg").String())
	require.Equal(t, "cloud://e.b-1/a.jpg", pipeline.Bucket{Name: "b-1", Env: "e"}.FileID("a.jpg").String())
	_, ok := pipeline.Buckets{{Name: "b-1"}}.ByName("b")
	require.False(t, ok)
}

func FuzzParseFileID(f *testing.F) {
	for _, s := range []string{"cloud://e.b/p", "cos://b-1/中/1.jpg", "cloud://e.b.c/p", "cos://b//p", "cloud://", "a://b/\x00", "cos://b/\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := pipeline.ParseFileID(s)
		if err != nil {
			require.NotEmpty(t, pipeline.CodeOf(err))
			require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
			return
		}
		require.Equal(t, s, id.String())
		again, err := pipeline.ParseFileID(id.String())
		require.NoError(t, err)
		require.Equal(t, id, again)
		require.NoError(t, pipeline.CheckName(id.Path))
		b, key, err := pipeline.Buckets{{Name: id.Bucket, Env: id.Env}}.Locate(id)
		require.NoError(t, err)
		require.Equal(t, id, b.FileID(key))
	})
}

func ExampleParseFileID() {
	id, err := pipeline.ParseFileID("cloud://prod.7072-prod-1250000000/users/oX/1.jpg")
	if err != nil {
		panic(err)
	}
	fmt.Println(id.Env)
	fmt.Println(id.Bucket)
	fmt.Println(id.Path)
	// Output:
	// prod
	// 7072-prod-1250000000
	// users/oX/1.jpg
}

func ExampleBuckets_Locate() {
	buckets := pipeline.Buckets{{Name: "7072-prod-1250000000", Env: "prod", Aliases: []string{"test"}}}
	for _, s := range []string{"cloud://prod.7072-prod/1.jpg", "cloud://test.7465-test-1250000000/1.jpg", "cloud://other.b-1/1.jpg"} {
		id, err := pipeline.ParseFileID(s)
		if err != nil {
			panic(err)
		}
		b, key, err := buckets.Locate(id)
		if err != nil {
			fmt.Println(pipeline.CodeOf(err))
			continue
		}
		fmt.Println(b.FileID(key))
	}
	// Output:
	// cloud://prod.7072-prod-1250000000/1.jpg
	// cloud://prod.7072-prod-1250000000/1.jpg
	// WRONG_ENVIRONMENT
}
