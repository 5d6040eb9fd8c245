package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
)

// manyBuckets has one bucket that takes everything as it is, and one that has its own.
const manyBuckets = `
buckets:
  - {name: a-1250000000, region: ap-guangzhou}
  - name: b-1250000001
    region: ap-shanghai
    orders: repairs
    owners: {required: false}
    check: {maxImageBytes: 1MB, types: [image/png]}
    thumbnails:
      prefix: small/
      presets: [{name: icon, width: 32, height: 32}]
    cloudbase: {apiKey: hush-key}
    events: {pathPattern: ""}
    sign: {secretId: AKIDown, secretKey: hush-sign}
check: {maxImageBytes: 2MB, maxPixels: 1000}
owners: {required: true}
cloudbase: {apiKey: hush-general}
events: {pathPattern: "users/{owner}/orders/{order}/{name}"}
orders:
  url: postgres://u:hush-orders@h/shop
  ownerColumn: openid
  stores:
    - {name: repairs, table: repairs, keyColumn: number}
    - {name: elsewhere, url: "sqlite:///x.db", ownerColumn: ""}
`

func TestInherited(t *testing.T) {
	t.Parallel()
	path := write(t, "afterput.yaml", manyBuckets)
	cfg, err := config.Load(config.Options{Path: path, Environ: []string{
		"AFTERPUT_CHECK_MAX_FRAMES=7", "AFTERPUT_BUCKETS_1_CHECK_MAX_PIXELS=500", "AFTERPUT_SIGN_SECRET_ID=AKIDall", "AFTERPUT_SIGN_SECRET_KEY=hush-all",
	}})
	require.NoError(t, err)
	plain, own := cfg.Buckets[0], cfg.Buckets[1]

	require.Equal(t, cfg.Check, plain.Check)
	want := cfg.Check
	want.MaxImageBytes, want.Types, want.MaxPixels = config.MB, []string{"image/png"}, 500
	require.Equal(t, want, own.Check)

	require.Equal(t, cfg.Thumbnails.Presets, plain.Thumbnails.Presets)
	require.Len(t, own.Thumbnails.Presets, 1)
	require.Equal(t, 80, own.Thumbnails.Presets[0].Quality, "with the defaults of a preset")
	require.Equal(t, []string{"thumbs/", "small/"}, []string{plain.Thumbnails.Prefix, own.Thumbnails.Prefix})
	require.Equal(t, cfg.Thumbnails.CacheControl, own.Thumbnails.CacheControl)

	require.True(t, plain.Owners.Required)
	require.False(t, own.Owners.Required, "false is set, too")
	require.Equal(t, cfg.Events, plain.Events)
	require.Empty(t, own.Events.PathPattern, "and so is the empty text")
	require.Equal(t, "hush-key", own.CloudBase.APIKey.Reveal())
	require.Equal(t, cfg.CloudBase.Endpoint, own.CloudBase.Endpoint)
	require.Equal(t, config.BucketSign{SecretID: "AKIDall", SecretKey: "hush-all"}, plain.Sign)
	require.Equal(t, config.BucketSign{SecretID: "AKIDown", SecretKey: "hush-sign"}, own.Sign)

	require.Equal(t, cfg.Orders.OrderTable, cfg.OrdersOf(plain))
	require.Equal(t, config.OrderTable{
		URL: cfg.Orders.URL, Table: "repairs", KeyColumn: "number", ImagesColumn: "images", OwnerColumn: "openid", VersionColumn: "v",
	}, cfg.OrdersOf(own))
	require.Empty(t, cfg.Orders.Stores[1].OwnerColumn)

	for key, origin := range map[string]string{
		"buckets[0].check.maxPixels":               "as check.maxPixels",
		"buckets[0].thumbnails.presets[1].width":   "as thumbnails.presets[1].width",
		"buckets[1].check.maxPixels":               "env AFTERPUT_BUCKETS_1_CHECK_MAX_PIXELS",
		"buckets[1].check.types":                   path + ":8",
		"buckets[1].check.maxFrames":               "as check.maxFrames",
		"buckets[1].thumbnails.presets[0].width":   path + ":11",
		"buckets[1].thumbnails.presets[0].quality": "default",
		"orders.stores[0].url":                     "as orders.url",
		"orders.stores[0].table":                   path + ":23",
	} {
		require.Equal(t, origin, cfg.Origin(key).String(), key)
	}
	shown := config.Render(cfg, true)
	require.NotContains(t, shown, "hush")
	require.Contains(t, shown, "      maxPixels: 1000 # as check.maxPixels\n")

	again, err := config.Load(config.Options{Path: write(t, "afterput.yaml", config.Encode(cfg))})
	require.NoError(t, err)
	require.Equal(t, cfg.Buckets, again.Buckets)
	require.Equal(t, cfg.Orders, again.Orders)
	require.Equal(t, "as check.maxFrames", again.Origin("buckets[1].check.maxFrames").String(), "what is inherited is not written down")
}

// TestInheritedByHand: a Config that was not loaded inherits as well, and again what changed
// since.
func TestInheritedByHand(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Buckets = []config.Bucket{{Name: "a-1", Region: "r", Check: config.Check{MaxFrames: 3}}}
	got := c.Inherited()
	require.Zero(t, c.Buckets[0].Check.MaxPixels, "the first one stays as it is")
	require.Equal(t, c.Check.MaxPixels, got.Buckets[0].Check.MaxPixels)
	require.Equal(t, 3, got.Buckets[0].Check.MaxFrames)

	got.Check.MaxPixels, got.Check.MaxFrames = 5, 5
	got.Thumbnails.Presets[0].Width = 1
	require.Equal(t, 160, got.Buckets[0].Thumbnails.Presets[0].Width, "lists are copies")
	again := got.Inherited()
	require.Equal(t, int64(5), again.Buckets[0].Check.MaxPixels)
	require.Equal(t, 3, again.Buckets[0].Check.MaxFrames)
	require.Equal(t, 1, again.Buckets[0].Thumbnails.Presets[0].Width)
	require.Equal(t, got.Buckets[0].Check.MaxFrames, 3)
}

func TestInheritedFindings(t *testing.T) {
	t.Parallel()
	path := write(t, "afterput.yaml", `check: {maxPixels: 0}
sign: {secretId: AKID, secretKey: key}
orders:
  stores:
    - name: repairs
    - {name: none, url: "sqlite:///x.db"}
    - {name: rentals, url: "sqlite:///x.db", table: "a;b"}
    - {name: late, url: "sqlite:///x.db", tabel: x}
events: {pathPattern: "users/{owner}/{order}/{name}"}
buckets:
  - name: a-1250000000
    region: r
    check: {maxFrames: 0, maxPixel: 3}
    thumbnails: {engine: fast, presets: [{name: Big, width: 0, height: 1}]}
    sign: {secretId: other}
    orders: repair
  - {name: b-1250000000, region: r, orders: none, tempurl: {publicTTL: 1h}}
  - {name: c-1250000000, region: r, orders: default, sweep: {every: 1s}}
`)
	require.Equal(t, []string{
		`afterput.yaml:8: orders.stores[3].tabel is not a key: did you mean table?`,
		`afterput.yaml:13: buckets[0].check.maxPixel is not a key: did you mean maxPixels?`,
		`afterput.yaml:14: buckets[0].thumbnails.engine is not a key: it is the same for all buckets: set thumbnails.engine`,
		`afterput.yaml:17: buckets[1].tempurl is not a key: it is the same for all buckets: set tempurl`,
		`afterput.yaml:18: buckets[2].sweep is not a key: it is the same for all buckets: set sweep`,
		`afterput.yaml:5: orders.stores[0].url is not set, nor is orders.url: write that of your database`,
		`afterput.yaml:6: orders.stores[1].name is "none" a second time: give each store its own name; default and none are taken`,
		`afterput.yaml:7: orders.stores[2].table is "a;b", which is not a plain name: write table or schema.table, of letters, digits and _`,
		`afterput.yaml:16: buckets[0].orders is "repair", which is no name in orders.stores: did you mean repairs?`,
		`afterput.yaml:15: buckets[0].sign.secretId is set, and secretKey is that of all buckets: set both`,
		`afterput.yaml:1: check.maxPixels is 0: write at least 1`,
		`afterput.yaml:13: buckets[0].check.maxFrames is 0: write at least 1`,
		`afterput.yaml:14: buckets[0].thumbnails.presets[0].name is "Big": write 1 to 32 of a-z 0-9 _ -`,
		`afterput.yaml:14: buckets[0].thumbnails.presets[0].width is 0: write 1 to 8192 pixels`,
	}, findings(t, config.Options{Path: path}))
}

// TestPatternWithoutOrders: a bucket without orders cannot take the pattern of all that
// finds them.
func TestPatternWithoutOrders(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Orders.URL, c.Events.PathPattern = "sqlite:///x.db", "{order}/{name}"
	c.Buckets = []config.Bucket{{Name: "a-1", Region: "r", Visibility: "probe"}, {Name: "b-1", Region: "r", Visibility: "probe", Orders: config.NoOrders}}
	require.ErrorContains(t, c.Validate(), `buckets[1].orders is "none", but events.pathPattern finds orders`)
	c.Buckets[1].Events.PathPattern = "{owner}/{name}"
	require.NoError(t, c.Validate())
	c.Buckets[1].Events.PathPattern = "{order}"
	require.ErrorContains(t, c.Validate(), `buckets[1].events.pathPattern finds orders, but no orders database is configured`)
}
