package wire_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/cloudbase/cloudbasetest"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/qsign"
)

// cloudShop is an app over one bucket of CloudBase, whose permission is asked for.
func cloudShop(t *testing.T) (*cloudbasetest.Gateway, *config.Config) {
	t.Helper()
	own, temporary := qsign.Key{ID: "AKIDown", Secret: "own"}, qsign.Key{ID: "AKIDtmp", Secret: "tmp", Token: "t0ken"}
	cos, err := coslocal.New(coslocal.Options{
		Dir: t.TempDir(), Bucket: "photos-1250000000", Keys: map[string]string{own.ID: own.Secret, temporary.ID: temporary.Secret},
		Tokens: map[string]string{temporary.ID: temporary.Token},
	})
	require.NoError(t, err)
	web := httptest.NewServer(cos)
	t.Cleanup(func() {
		require.NoError(t, cos.Close())
		web.Close()
	})
	g := cloudbasetest.New(t)
	g.Use(cloudbasetest.Bucket{Name: "photos-1250000000", URL: web.URL, Key: own, Temporary: temporary})
	cfg := valid(t)
	cfg.Buckets[0] = config.Bucket{
		Name: "photos-1250000000", Env: cloudbasetest.Env, Aliases: []string{"test-env"}, Endpoint: web.URL,
		Visibility: "rule", SecretID: own.ID, SecretKey: config.Secret(own.Secret),
	}
	cfg.CloudBase = config.CloudBase{
		Endpoint: g.URL, ControlEndpoint: g.URL, SecretID: cloudbasetest.SecretID, SecretKey: config.Secret(cloudbasetest.SecretKey),
	}
	cfg.Auth.Keys = append(cfg.Auth.Keys, config.Key{Name: "page", Secret: "reader-0123456789", Scopes: []string{"read"}})
	require.NoError(t, cfg.Validate())
	return g, cfg
}

// TestCloudBaseBucket: what is put has URLs by its fileID, by that of the environment it
// moved from, and by one without the appid.
func TestCloudBaseBucket(t *testing.T) {
	t.Parallel()
	const key = "thumbs/small/users/o1/1.jpg.jpg"
	g, cfg := cloudShop(t)
	g.ACL("PRIVATE", "")
	app := open(t, cfg)
	_, err := app.Objects.Put(t.Context(), "photos-1250000000", key, []byte("hello"), pipeline.PutOptions{ContentType: "image/jpeg"})
	require.NoError(t, err)
	h, err := app.Handler()
	require.NoError(t, err)
	for fileID, code := range map[string]string{
		"cloud://env-1a2b3c.photos-1250000000/" + key: "SUCCESS",
		"cloud://env-1a2b3c.photos/" + key:            "SUCCESS",
		"cloud://test-env.7465-test-125/" + key:       "SUCCESS",
		"cloud://other-env.photos-1250000000/" + key:  "STORAGE_FILE_NONEXIST",
		"cos://photos-1250000000/" + key:              "STORAGE_FILE_NONEXIST",
	} {
		r := httptest.NewRequest(http.MethodPost, "/v1/temp-urls", strings.NewReader(`{"fileIDs":["`+fileID+`"]}`))
		r.Header.Set("Authorization", "Bearer reader-0123456789")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var got struct {
			FileList []struct{ FileID, TempFileURL, Code string }
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
		require.Equal(t, code, got.FileList[0].Code, fileID)
		require.Equal(t, fileID, got.FileList[0].FileID)
		if code != "SUCCESS" {
			continue
		}
		require.True(t, strings.HasPrefix(got.FileList[0].TempFileURL, g.URL+"/cdn/thumbs/"), got.FileList[0].TempFileURL)
		require.Equal(t, "hello", get(t, got.FileList[0].TempFileURL))
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	return string(body)
}

// TestRuleOfCloudBase: the permission of the bucket says who may read, and the object itself
// where that is custom.
func TestRuleOfCloudBase(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		acl, rule string
		cdn       bool
		want      pipeline.Visibility
	}{
		{acl: "READONLY", want: pipeline.Public},
		{acl: "PRIVATE", want: pipeline.Private},
		{acl: "CUSTOM", rule: cloudbasetest.OwnFolder, cdn: true, want: pipeline.Private},
		{acl: "CUSTOM", rule: `{"read": "true || auth != null"}`, want: pipeline.Private},
	} {
		g, cfg := cloudShop(t)
		g.ACL(tt.acl, tt.rule)
		if tt.cdn {
			cfg.Buckets[0].PublicBase = g.URL + "/cdn"
		}
		app := open(t, cfg)
		_, err := app.Objects.Put(t.Context(), "photos-1250000000", "a.jpg", []byte("hello"), pipeline.PutOptions{ContentType: "image/jpeg"})
		require.NoError(t, err)
		got, err := app.Visibility(t.Context(), "photos-1250000000", "a.jpg")
		require.NoError(t, err)
		require.Equal(t, tt.want, got, tt.acl)
	}
}

// TestCloudBaseOrders: orders are documents of the environment, with the key of its bucket
// and the token that it has already; a second store has its own settings.
func TestCloudBaseOrders(t *testing.T) {
	t.Parallel()
	g, cfg := cloudShop(t)
	cfg.Orders.OrderTable = config.OrderTable{
		URL: "cloudbase://" + cloudbasetest.Env, Table: "orders", ImagesColumn: "images", OwnerColumn: "_openid", UpdatedAtColumn: "updatedAt",
	}
	cfg.Orders.Stores = []config.OrderStore{{Name: "repairs", OrderTable: config.OrderTable{Table: "repairs", KeyColumn: "no", VersionColumn: "none"}}}
	require.NoError(t, cfg.Validate())
	app := open(t, cfg)
	_, err := app.Worker(t.Context(), nil)
	require.ErrorContains(t, err, "DATABASE_COLLECTION_NOT_EXIST", "a worker does not start over what it could not write")

	g.Collection("orders")
	g.Collection("repairs")
	g.Insert("orders", `{"_id":"A1","_openid":"o1","images":["own"]}`)
	g.Insert("repairs", `{"_id":"x","no":"R1"}`)
	for id, want := range map[string]string{"A1": "o1", "repairs:R1": ""} {
		o, err := app.Orders.ReadOrder(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, want, o.Owner)
		images := append(o.Images, "cloud://env-1a2b3c.photos-1250000000/users/o1/1.jpg")
		require.NoError(t, app.Orders.WriteImages(t.Context(), o, images))
		o, err = app.Orders.ReadOrder(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, images, o.Images)
	}
	_, found := g.Find("orders", "A1")["v"]
	require.True(t, found)
	_, found = g.Find("repairs", "x")["v"]
	require.False(t, found)
	_, err = app.Objects.Put(t.Context(), "photos-1250000000", "thumbs/small/users/o1/1.jpg.jpg", []byte("hello"), pipeline.PutOptions{ContentType: "image/jpeg"})
	require.NoError(t, err)
	require.Equal(t, 1, g.Tokens())

	schema, err := wire.InspectOrders(t.Context(), cfg.Orders.OrderTable, cfg)
	require.NoError(t, err)
	require.True(t, schema.KeyUnique)
}
