package producer_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/producer/events"
	"github.com/afterput/afterput/tasks"
)

// nameDoor announces an object under a name as one kind of sender does. said is the code
// that the answer has for it, "" where it was taken.
type nameDoor struct {
	name string
	tell func(t *testing.T, w *world, key string) (said string)
}

func nameDoors() []nameDoor {
	client := func(secret func(*testing.T) string, prefix string) func(*testing.T, *world, string) string {
		return func(t *testing.T, w *world, key string) string {
			t.Helper()
			body, err := json.Marshal(map[string]any{"owner": "o1", "files": []string{prefix + key}})
			require.NoError(t, err)
			return codeIn(t, w.do(http.MethodPost, "/v1/uploads", secret(t), body))
		}
	}
	service := func(*testing.T) string { return announceKey }
	event := func(raw func(key string) string) func(*testing.T, *world, string) string {
		return func(t *testing.T, w *world, key string) string {
			t.Helper()
			return codeIn(t, w.event(cosEvent("ObjectCreated:Put", raw(key), escaped(key), "")))
		}
	}
	return []nameDoor{
		{"client, by key", client(service, "")},
		{"client, by fileID", client(service, "cloud://prod."+bucket+"/")},
		{"end user", client(func(t *testing.T) string { t.Helper(); return token(t, "o1") }, "")},
		{"event", event(func(key string) string { return key })},
		{"event with an encoded key", event(escaped)},
		{"callback", func(t *testing.T, w *world, key string) string {
			t.Helper()
			path := callbackPath(t, events.CallbackGrant{Bucket: bucket, Prefix: "users/o1/"})
			return codeIn(t, w.callback(path, "object="+url.QueryEscape(key)))
		}},
	}
}

// escaped is a key as it stands in the URL of the object.
func escaped(key string) string { return (&url.URL{Path: key}).EscapedPath() }

// codeIn gives the code of an answer or of its one record.
func codeIn(t *testing.T, res answer) string {
	t.Helper()
	var body struct {
		Code    string
		Results []struct{ Code string }
	}
	require.NoError(t, json.Unmarshal(res.body, &body), "%s", res.body)
	require.Equal(t, body.Code != "", res.status >= 400, "%s", res.body)
	if len(body.Results) > 0 {
		return body.Results[0].Code
	}
	return body.Code
}

// TestNames: every name that a hostile or careless client may think of is refused at every
// door, or becomes the upload of exactly this object and its owner. Nothing in between:
// no name is bent into another one.
func TestNames(t *testing.T) {
	t.Parallel()
	const bad, mine = string(pipeline.CodeInvalidFileName), "users/o1/"
	for _, door := range nameDoors() {
		t.Run(door.name, func(t *testing.T) {
			t.Parallel()
			w := newGatedWorld(t, withCallbacks)
			for _, tt := range []struct {
				name, key string
				code      string // "" is taken
			}{
				{"plain", mine + "1.jpg", ""},
				{"climbs", mine + "../o2/1.jpg", bad},
				{"climbs at the beginning", "../users/o1/1.jpg", bad},
				{"climbs at the end", mine + "..", bad},
				{"a dot", mine + "./1.jpg", bad},
				{"double slash", mine + "/1.jpg", bad},
				{"double slash before the owner", "users//o1/1.jpg", bad},
				{"leading slash", "/users/o1/1.jpg", bad},
				{"NUL", mine + "1\x00.jpg", bad},
				{"CR LF", mine + "1\r\nSet-Cookie: a=b.jpg", bad},
				{"LF", mine + "1\n.jpg", bad},
				{"ESC", mine + "\x1b[2J.jpg", bad},
				{"C1", mine + "\u009b.jpg", bad},
				{"more than 850 bytes", mine + strings.Repeat("a", 842), bad},
				{"more than 1024 bytes", mine + strings.Repeat("a", 1200), bad},
				{"more than 850 bytes when encoded", mine + strings.Repeat("图", 95), bad},
				{"our thumbnail", "thumbs/small/users/o1/1.jpg.jpg", "DERIVATIVE"},
				{"no owner", "1.jpg", "OWNER_MISSING"},
				{"the folder", "users/o1", "OWNER_MISSING"},
				{"another case of the folder", "Users/o1/1.jpg", "OWNER_MISSING"},

				{"climbs in percent signs", mine + "..%2f..%2fo2/1.jpg", ""},
				{"climbs in two layers of percent signs", mine + "..%252fo2.jpg", ""},
				{"NUL in percent signs", mine + "2%00.jpg", ""},
				{"CR LF in percent signs", mine + "1%0d%0a.jpg", ""},
				{"backslashes", mine + `..\..\o2\1.jpg`, ""},
				{"composed", mine + "caf\u00e9.jpg", ""},
				{"decomposed", mine + "cafe\u0301.jpg", ""},
				{"turned direction", mine + "\u202egpj.exe", ""},
				{"no width", mine + "a\u200b.jpg", ""},
				{"emoji", mine + "👨‍👩‍👧.jpg", ""},
				{"Chinese", mine + "订单 图片/1.jpg", ""},
				{"what URLs and shells want", mine + `a?b#c&d=e;f'g"h$(i)+j.jpg`, ""},
				{"850 bytes", mine + strings.Repeat("a", 841), ""},
				{"thumbs deeper down", mine + "thumbs/small/1.jpg", ""},
			} {
				before := len(w.uploads())
				said := door.tell(t, w, tt.key)
				after := w.uploads()
				if said != "" {
					require.Len(t, after, before, "%s: refused with %s, and a row is there", tt.name, said)
				}
				want, key := tt.code, tt.key
				if door.name == "callback" { // bodies are written by whoever asked COS for them
					key = strings.TrimPrefix(key, "/")
				}
				switch {
				case key != tt.key: // and the announcement of the same object
					require.Empty(t, said, tt.name)
					require.Len(t, after, before, tt.name)
				case said == "" && want != "": // the name that no object can have is read as it stands there
					require.Equal(t, "event with an encoded key", door.name, tt.name)
					require.NotEqual(t, key, escaped(key), tt.name)
					require.Equal(t, "o1", w.uploadOf(t, escaped(key)).Owner, tt.name)
				case said == "":
					require.Len(t, after, before+1, tt.name)
					require.Equal(t, "o1", w.uploadOf(t, key).Owner, tt.name)
				case strings.HasPrefix(door.name, "event") || (door.name == "client, by key" && len(key) < 1024):
					require.Equal(t, want, said, tt.name)
				default:
					require.NotEmpty(t, want, "%s: %s", tt.name, said)
				}
			}
			w.requireOnlyOwnChecks(t)
		})
	}
}

// requireOnlyOwnChecks: what is queued is one check for each upload.
func (w *world) requireOnlyOwnChecks(t *testing.T) {
	t.Helper()
	require.Equal(t, len(w.uploads()), w.queued(tasks.QueueChecks))
	require.Zero(t, w.count("dead_letters"))
}

// TestNamesOfOthers: nobody who says to be o1 reaches what is another owner's.
func TestNamesOfOthers(t *testing.T) {
	t.Parallel()
	for _, door := range nameDoors() {
		if strings.HasPrefix(door.name, "event") {
			continue // the bucket's own word: it says no owner but the name's
		}
		t.Run(door.name, func(t *testing.T) {
			t.Parallel()
			w := newGatedWorld(t, withCallbacks)
			for _, key := range []string{
				"users/o2/1.jpg", "users/O1/1.jpg", "users/o1x/1.jpg", "users/o/1.jpg", "users/o1 /1.jpg", "users/ o1/1.jpg",
				"users/o1%2f1.jpg/x", "users/o1%2f../o2/1.jpg", "users/\u043e1/1.jpg", "users/o1\u200b/1.jpg", "users/*/1.jpg", `users/o1\/1.jpg`,
			} {
				if said := door.tell(t, w, key); said != "" {
					continue
				}
				// A callback whose name was encoded once more, within what its token is for.
				require.Equal(t, "callback", door.name, key)
				require.Equal(t, "users/o1%2f1.jpg/x", key)
			}
			for _, u := range w.uploads() {
				require.Equal(t, []string{"o1", "users/o1/1.jpg/x"}, []string{u.Owner, u.Key})
			}
		})
	}
}

// FuzzAdmit: what is admitted is a good name of a bucket that is ours, and belongs to
// whom its name says.
func FuzzAdmit(f *testing.F) {
	for _, seed := range []string{"users/o1/1.jpg", "users/o2/1.jpg", "temp/1.jpg", "thumbs/s/a.jpg", "users/o1/../o2/1", "/users/o1/1", "users//1", "图", "\xff", ""} {
		f.Add(bucket, seed, "o1")
	}
	f.Add("evil-1", "users/o1/1.jpg", "")
	opt := producer.Options{Ledger: new(ledger.Ledger), Queue: new(tasks.Enqueuer), Objects: &bucketFake{}, Logger: slog.New(slog.DiscardHandler)}
	defaults(&opt)
	p, err := producer.New(opt)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, inBucket, key, owner string) {
		a, err := p.Admit(pipeline.Announcement{Bucket: inBucket, Key: key, Owner: owner})
		if err != nil {
			require.NotEmpty(t, pipeline.CodeOf(err))
			return
		}
		require.Equal(t, key, a.Key, "no name is bent into another")
		require.NoError(t, pipeline.CheckName(key))
		require.False(t, opt.Derivative(key))
		require.Equal(t, pipeline.OwnerOf(key), a.Owner)
		require.True(t, owner == "" || owner == a.Owner)
		id, err := pipeline.ParseFileID(a.FileID)
		require.NoError(t, err)
		b, path, err := opt.Buckets.Locate(id)
		require.NoError(t, err)
		require.Equal(t, []string{inBucket, key}, []string{b.Name, path})
	})
}
