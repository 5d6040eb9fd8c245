package orders_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/cloudbase"
	"github.com/afterput/afterput/pipeline/cloudbase/cloudbasetest"
	"github.com/afterput/afterput/pipeline/orders"
	"github.com/afterput/afterput/pipeline/orders/orderstest"
)

// cloud is a collection of the business in an environment of its own.
type cloud struct {
	*orders.Documents
	gateway *cloudbasetest.Gateway
	names   orderstest.Names
	url     string
	// cut breaks the connection of the next so many updates after they were done.
	cut atomic.Int64
}

// newCloud makes an empty collection. A change may take the version field away.
func newCloud(t *testing.T, names orderstest.Names, change ...func(*cloudbase.Options, *orders.DocumentOptions)) *cloud {
	t.Helper()
	c := &cloud{gateway: cloudbasetest.Make(), names: names}
	c.gateway.Collection(names.Table)
	server := httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(server.Close)
	c.url = server.URL
	co := cloudbase.Options{
		Env: cloudbasetest.Env, Endpoint: server.URL, SecretID: cloudbasetest.SecretID, SecretKey: cloudbasetest.SecretKey,
	}
	do := orders.DocumentOptions{
		Collection: names.Table, KeyField: names.Key, ImagesField: names.Images,
		OwnerField: names.Owner, UpdatedAtField: names.UpdatedAt, VersionField: "v",
	}
	for _, f := range change {
		f(&co, &do)
	}
	client, err := cloudbase.New(co)
	require.NoError(t, err)
	c.Documents, err = orders.NewDocuments(client, do)
	require.NoError(t, err)
	return c
}

// adding takes the version field away.
func adding(_ *cloudbase.Options, do *orders.DocumentOptions) { do.VersionField = "" }

func (c *cloud) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPatch && c.cut.Add(-1) >= 0 {
		c.gateway.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
	c.gateway.ServeHTTP(w, r)
}

func (c *cloud) Holds(string) bool { return true }

// ask sends what the backend of the business sends.
func (c *cloud) ask(t *testing.T, method, path string, in any) (out struct{ List []map[string]json.RawMessage }) {
	t.Helper()
	body, err := json.Marshal(in)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), method,
		c.url+"/v1/database/instances/(default)/databases/(default)/collections/"+strings.ReplaceAll(c.names.Table, `"`, "%22")+"/documents"+path, strings.NewReader(string(body)))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+cloudbasetest.APIKey)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s", text)
	require.NoError(t, json.Unmarshal(text, &out))
	return out
}

// put writes an order with fields of the business's own choice.
func (c *cloud) put(t *testing.T, fields map[string]any) {
	t.Helper()
	c.ask(t, http.MethodPost, "", map[string]any{"data": []any{fields}})
}

func (c *cloud) PutOrder(t *testing.T, id, owner, images string) {
	t.Helper()
	fields := map[string]any{c.names.Key: id}
	if images != "" {
		fields[c.names.Images] = json.RawMessage(images)
	}
	if owner != "" {
		fields[c.names.Owner] = owner
	}
	if c.names.UpdatedAt != "" {
		fields[c.names.UpdatedAt] = map[string]string{"$date": "2001-01-01T00:00:00Z"}
	}
	c.put(t, fields)
}

// change updates an order as the business would.
func (c *cloud) change(t *testing.T, id string, data any) {
	t.Helper()
	c.ask(t, http.MethodPatch, "", map[string]any{"query": map[string]string{c.names.Key: id}, "data": data})
}

func (c *cloud) DeleteOrder(t *testing.T, id string) {
	t.Helper()
	c.ask(t, http.MethodPost, "/remove", map[string]any{"query": map[string]string{c.names.Key: id}})
}

// field reads one field of an order, as strict extended JSON.
func (c *cloud) field(t *testing.T, id, name string) string {
	t.Helper()
	for _, d := range c.ask(t, http.MethodGet, "?limit=100", nil).List {
		if string(d[c.names.Key]) == `"`+id+`"` {
			return string(d[name])
		}
	}
	require.Fail(t, "no such order", id)
	return ""
}

func (c *cloud) UpdatedAt(t *testing.T, id string) string {
	t.Helper()
	return c.field(t, id, c.names.UpdatedAt)
}

func inCloud() orderstest.Names {
	return orderstest.Names{Table: "orders", Key: "_id", Images: "images", Owner: "_openid", UpdatedAt: "updatedAt"}
}

func TestSuiteCloudBase(t *testing.T) {
	t.Parallel()
	orderstest.Run(t, func(t *testing.T, names orderstest.Names) orderstest.Backend { return newCloud(t, names) })
}

// TestSuiteCloudBaseAdding: without a version field the array may end in another order, and
// a race is not lost; the rest holds.
func TestSuiteCloudBaseAdding(t *testing.T) {
	t.Parallel()
	orderstest.RunAdding(t, func(t *testing.T, names orderstest.Names) orderstest.Backend { return newCloud(t, names, adding) })
}

// TestCloudBaseVersion: each write counts, whatever type of number the field has, and one
// that cannot be counted up is refused.
func TestCloudBaseVersion(t *testing.T) {
	t.Parallel()
	c := newCloud(t, inCloud())
	for id, tt := range map[string]struct {
		v    any
		want string
	}{
		"none":   {nil, `{"$numberInt":"1"}`},
		"int":    {map[string]string{"$numberInt": "7"}, `{"$numberInt":"8"}`},
		"plain":  {41, `{"$numberInt":"42"}`},
		"long":   {map[string]string{"$numberLong": "7"}, `{"$numberLong":"8"}`},
		"double": {map[string]string{"$numberDouble": "7.0"}, `{"$numberDouble":"8.0"}`},
	} {
		fields := map[string]any{"_id": id, "images": []string{"own"}}
		if tt.v != nil {
			fields["v"] = tt.v
		}
		c.put(t, fields)
		o, err := c.ReadOrder(t.Context(), id)
		require.NoError(t, err)
		require.NoError(t, c.WriteImages(t.Context(), o, []string{"own", "x"}))
		require.Equal(t, tt.want, c.field(t, id, "v"))
	}
	for id, v := range map[string]any{"null": nil, "text": "1", "fraction": 1.5, "nan": map[string]string{"$numberDouble": "NaN"}} {
		c.put(t, map[string]any{"_id": id, "v": v})
		_, err := c.ReadOrder(t.Context(), id)
		require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err), id)
		require.ErrorContains(t, err, `field "v": want a whole number`)
	}
}

// TestCloudBaseBusinessWrites: whatever the business changes between read and write, with
// or without counting, is not overwritten.
func TestCloudBaseBusinessWrites(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		data any
		want pipeline.Class
	}{
		"the array":                {map[string]any{"images": []string{"b"}}, pipeline.Conflict},
		"the array, moved":         {map[string]any{"images": []string{"own", "a"}}, pipeline.Conflict},
		"the array, null":          {map[string]any{"images": nil}, pipeline.Conflict},
		"the version":              {map[string]any{"$inc": map[string]int{"v": 1}}, pipeline.Conflict},
		"there and back, counted":  {map[string]any{"$inc": map[string]int{"v": 2}, "$set": map[string]any{"images": []string{"a", "own"}}}, pipeline.Conflict},
		"another field":            {map[string]any{"paid": true}, ""},
		"the array, as it was":     {map[string]any{"images": []string{"a", "own"}}, ""},
		"the version, as a double": {map[string]any{"v": map[string]string{"$numberDouble": "3.0"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, inCloud())
			c.put(t, map[string]any{"_id": "1", "_openid": "oX", "images": []string{"a", "own"}, "v": 3})
			was, err := c.ReadOrder(t.Context(), "1")
			require.NoError(t, err)
			c.change(t, "1", tt.data)
			now := c.field(t, "1", "images")
			err = c.WriteImages(t.Context(), was, []string{"a", "own", "x"})
			require.Equal(t, tt.want, pipeline.ClassOf(err), "%v", err)
			if tt.want == "" {
				now = `["a","own","x"]`
			}
			require.JSONEq(t, now, c.field(t, "1", "images"))
		})
	}
}

// TestCloudBaseLostAnswers: an update whose answer was lost is found done by reading back;
// one that may or may not have been done leaves that open.
func TestCloudBaseLostAnswers(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][]func(*cloudbase.Options, *orders.DocumentOptions){"version": nil, "adding": {adding}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, inCloud(), change...)
			c.PutOrder(t, "1", "oX", `["gone","own"]`)
			was, err := c.ReadOrder(t.Context(), "1")
			require.NoError(t, err)
			c.cut.Store(2) // adding takes away and adds
			require.NoError(t, c.WriteImages(t.Context(), was, []string{"own", "x"}))
			now, err := c.ReadOrder(t.Context(), "1")
			require.NoError(t, err)
			require.Equal(t, []string{"own", "x"}, now.Images)
		})
	}
	c := newCloud(t, inCloud())
	c.PutOrder(t, "1", "oX", `["own"]`)
	was, err := c.ReadOrder(t.Context(), "1")
	require.NoError(t, err)
	c.change(t, "1", map[string]any{"images": []string{"theirs"}}) // so that the update does nothing
	c.cut.Store(1)
	err = c.WriteImages(t.Context(), was, []string{"own", "x"})
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err), "a conflict would say that it certainly did not happen: %v", err)
}

// TestCloudBaseErrors: what the environment refuses has a class that says what to do.
func TestCloudBaseErrors(t *testing.T) {
	t.Parallel()
	c := newCloud(t, inCloud())
	c.PutOrder(t, "1", "oX", `[]`)
	was, err := c.ReadOrder(t.Context(), "1")
	require.NoError(t, err)

	c.gateway.Revoke()
	require.NoError(t, c.WriteImages(t.Context(), was, []string{"x"}), "a token that was taken back is replaced")
	require.Equal(t, 2, c.gateway.Tokens())

	for name, tt := range map[string]struct {
		change func(*cloudbase.Options, *orders.DocumentOptions)
		want   pipeline.Class
		text   string
	}{
		"another key":         {func(co *cloudbase.Options, _ *orders.DocumentOptions) { co.SecretKey = "wrong" }, pipeline.Denied, "INVALID_CREDENTIALS"},
		"a key of nobody":     {func(co *cloudbase.Options, _ *orders.DocumentOptions) { co.APIKey = "nobody" }, pipeline.Denied, "INVALID_ACCESS_TOKEN"},
		"the key of a client": {func(co *cloudbase.Options, _ *orders.DocumentOptions) { co.APIKey = cloudbasetest.PublishableKey }, pipeline.Denied, "DATABASE_PERMISSION_DENIED"},
		"no collection":       {func(_ *cloudbase.Options, do *orders.DocumentOptions) { do.Collection = "order" }, pipeline.Missing, "DATABASE_COLLECTION_NOT_EXIST"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, inCloud(), tt.change)
			c.PutOrder(t, "1", "oX", `[]`)
			before := c.gateway.Tokens()
			for _, err := range []error{
				func() error { _, err := c.ReadOrder(t.Context(), "1"); return err }(),
				c.WriteImages(t.Context(), was, []string{"x"}),
			} {
				require.Equal(t, tt.want, pipeline.ClassOf(err), "%v", err)
				require.ErrorContains(t, err, tt.text)
				require.NotContains(t, err.Error(), "wrong")
			}
			require.LessOrEqual(t, c.gateway.Tokens()-before, 1)
		})
	}
}

// TestCloudBaseStatuses: errors of the database that the gateway of the tests never gives.
func TestCloudBaseStatuses(t *testing.T) {
	t.Parallel()
	for code, tt := range map[string]struct {
		status int
		want   pipeline.Class
	}{
		"EXCEED_REQUEST_LIMIT":            {422, pipeline.Throttled},
		"EXCEED_CONCURRENT_REQUEST_LIMIT": {422, pipeline.Throttled},
		"INVALID_PARAM":                   {400, pipeline.Invalid},
		"DATABASE_INVALID_OPERRATOR":      {403, pipeline.Invalid},
		"DATABASE_DUPLICATE_WRITE":        {409, pipeline.Conflict},
		"DATABASE_TRANSACTION_CONFLICT":   {503, pipeline.Transient},
		"DATABASE_TIMEOUT":                {504, pipeline.Transient},
		"SYS_ERR":                         {500, pipeline.Transient},
		"NEW":                             {200, pipeline.Transient},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, `{"code":"`+code+`","message":"m"}`)
			}))
			t.Cleanup(server.Close)
			client, err := cloudbase.New(cloudbase.Options{Env: cloudbasetest.Env, Endpoint: server.URL, APIKey: "k"})
			require.NoError(t, err)
			s, err := orders.NewDocuments(client, orders.DocumentOptions{VersionField: "v"})
			require.NoError(t, err)
			_, err = s.ReadOrder(t.Context(), "1")
			require.Equal(t, tt.want, pipeline.ClassOf(err), "%v", err)
			require.ErrorContains(t, err, code)
			err = s.WriteImages(t.Context(), pipeline.Order{ID: "1", Version: `{"query":{"_id":"1"}}`}, nil)
			require.Equal(t, tt.want, pipeline.ClassOf(err), "%v", err)
		})
	}
}

// TestCloudBaseIDs: an ObjectId is found by its digits, and a field of one's own by its
// text; what is found by an entry of an array, or twice, is refused.
func TestCloudBaseIDs(t *testing.T) {
	t.Parallel()
	const oid = "507f1f77bcf86cd799439011"
	c := newCloud(t, inCloud())
	c.put(t, map[string]any{"_id": map[string]string{"$oid": oid}, "images": []string{}})
	o, err := c.ReadOrder(t.Context(), oid)
	require.NoError(t, err)
	require.NoError(t, c.WriteImages(t.Context(), o, []string{"x"}))
	o, err = c.ReadOrder(t.Context(), oid)
	require.NoError(t, err)
	require.Equal(t, []string{"x"}, o.Images)

	names := inCloud()
	names.Key = "orderNo"
	c = newCloud(t, names)
	c.put(t, map[string]any{"orderNo": "A1"})
	c.put(t, map[string]any{"orderNo": []string{"A2"}})
	c.put(t, map[string]any{"orderNo": "A3"})
	c.put(t, map[string]any{"orderNo": "A3"})
	o, err = c.ReadOrder(t.Context(), "A1")
	require.NoError(t, err)
	require.NoError(t, c.WriteImages(t.Context(), o, []string{"x"}))
	for id, want := range map[string]string{"A2": `field "orderNo": it is`, "A3": "two documents"} {
		_, err = c.ReadOrder(t.Context(), id)
		require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
		require.ErrorContains(t, err, want)
	}
}

// TestCloudBaseOwner: an owner of another type is refused, and in every mode the write
// compares it.
func TestCloudBaseOwner(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][]func(*cloudbase.Options, *orders.DocumentOptions){"version": nil, "adding": {adding}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			names := inCloud()
			names.Owner = "user"
			c := newCloud(t, names, change...)
			c.put(t, map[string]any{"_id": "1", "user": "oX"})
			c.put(t, map[string]any{"_id": "2", "user": 5})
			was, err := c.ReadOrder(t.Context(), "1")
			require.NoError(t, err)
			require.Equal(t, "oX", was.Owner)
			c.change(t, "1", map[string]any{"user": "oY"})
			require.Equal(t, pipeline.Conflict, pipeline.ClassOf(c.WriteImages(t.Context(), was, []string{"x"})))
			require.Empty(t, c.field(t, "1", "images"))
			_, err = c.ReadOrder(t.Context(), "2")
			require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
		})
	}
}

// TestCloudBaseServerDate: the updated-at is a date by the clock of the database.
func TestCloudBaseServerDate(t *testing.T) {
	t.Parallel()
	c := newCloud(t, inCloud())
	c.gateway.Skew(-24 * time.Hour)
	c.PutOrder(t, "1", "", `[]`)
	was, err := c.ReadOrder(t.Context(), "1")
	require.NoError(t, err)
	require.NoError(t, c.WriteImages(t.Context(), was, []string{"x"}))
	var at struct {
		Date struct {
			Millis int64 `json:"$numberLong,string"`
		} `json:"$date"`
	}
	require.NoError(t, json.Unmarshal([]byte(c.UpdatedAt(t, "1")), &at))
	require.WithinDuration(t, time.Now().Add(-24*time.Hour), time.UnixMilli(at.Date.Millis), time.Minute)
}

// TestCloudBaseAddingAtOnce: without a version field nothing is lost either, whatever many
// writers and the business add at once.
func TestCloudBaseAddingAtOnce(t *testing.T) {
	t.Parallel()
	c := newCloud(t, inCloud(), adding)
	c.PutOrder(t, "1", "oX", `["own"]`)
	was, err := c.ReadOrder(t.Context(), "1")
	require.NoError(t, err)
	const writers = 20
	want, errs := []string{"own"}, make(chan error, writers)
	for i := range writers {
		id := "x" + string(rune('a'+i))
		want = append(want, id)
		go func() { errs <- c.WriteImages(t.Context(), was, []string{"own", id}) }()
	}
	for range writers {
		if err := <-errs; err != nil {
			require.ErrorIs(t, err, pipeline.ErrNotAsAsked)
		}
	}
	now, err := c.ReadOrder(t.Context(), "1")
	require.NoError(t, err)
	require.ElementsMatch(t, want, now.Images)
}

// TestCloudBaseInspect: what an attach could not use is told before, and nothing changes.
func TestCloudBaseInspect(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*cloudbase.Options, *orders.DocumentOptions)
		docs   []map[string]any
		want   orders.Schema
		class  pipeline.Class
		text   string
	}{
		"empty":   {want: orders.Schema{KeyUnique: true}},
		"good":    {docs: []map[string]any{{"_id": "1", "images": []string{"a"}, "v": 1}}, want: orders.Schema{ImagesType: "array", KeyUnique: true}},
		"one bad": {docs: []map[string]any{{"_id": "1", "images": "a"}, {"_id": "2"}}, want: orders.Schema{ImagesType: "array", KeyUnique: true}},
		"another key": {
			change: func(_ *cloudbase.Options, do *orders.DocumentOptions) { do.KeyField = "no" },
			docs:   []map[string]any{{"no": "1"}}, want: orders.Schema{ImagesType: "array"},
		},
		"a text":  {docs: []map[string]any{{"images": "a"}}, class: pipeline.Invalid, text: `field "images": want a JSON array`},
		"no key":  {change: func(_ *cloudbase.Options, do *orders.DocumentOptions) { do.KeyField = "no" }, docs: []map[string]any{{}}, class: pipeline.Invalid, text: `field "no": there is none`},
		"a count": {docs: []map[string]any{{"v": "one"}}, class: pipeline.Invalid, text: `field "v": want a whole number`},
		"no collection": {
			change: func(_ *cloudbase.Options, do *orders.DocumentOptions) { do.Collection = "order" },
			class:  pipeline.Missing, text: "COLLECTION_NOT_EXIST",
		},
		"the key of a client": {
			change: func(co *cloudbase.Options, _ *orders.DocumentOptions) { co.APIKey = cloudbasetest.PublishableKey },
			docs:   []map[string]any{{"_openid": "oX"}}, class: pipeline.Denied, text: "DATABASE_PERMISSION_DENIED",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := tt.change
			if change == nil {
				change = func(*cloudbase.Options, *orders.DocumentOptions) {}
			}
			c := newCloud(t, inCloud(), change)
			if name == "the key of a client" {
				c.gateway.AdminOnly("orders")
			}
			for _, d := range tt.docs {
				c.put(t, d)
			}
			before := c.ask(t, http.MethodGet, "", nil)
			got, err := c.Inspect(t.Context())
			require.Equal(t, tt.class, pipeline.ClassOf(err), "%v", err)
			require.Equal(t, before, c.ask(t, http.MethodGet, "", nil))
			if tt.class != "" {
				require.ErrorContains(t, err, tt.text)
				return
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestDocumentOptions(t *testing.T) {
	t.Parallel()
	client, err := cloudbase.New(cloudbase.Options{Env: cloudbasetest.Env, APIKey: "k"})
	require.NoError(t, err)
	for want, opt := range map[string]orders.DocumentOptions{
		"ImagesField: the name":         {ImagesField: "a.b"},
		"VersionField: the name":        {VersionField: "$v"},
		"OwnerField and VersionField":   {OwnerField: "v", VersionField: "v"},
		"VersionField: nobody can":      {VersionField: "_openid"},
		"Collection: the name":          {Collection: strings.Repeat("x", 65)},
		"UpdatedAtField: the name \"\\": {UpdatedAtField: "\xff"},
	} {
		_, err := orders.NewDocuments(client, opt)
		require.ErrorContains(t, err, want)
	}
	_, err = orders.NewDocuments(nil, orders.DocumentOptions{})
	require.ErrorContains(t, err, "no client")
}
