package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/demo"
	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/sqldb"
)

const demoPhotos = 10

// demoCount is demoPhotos for the command line.
var demoCount = strconv.Itoa(demoPhotos)

// ranDemo is what the demo of embeddedDemo said. Its folder is among those of the binary.
var ranDemo struct {
	sync.Once
	code int
	rep  demo.Report
}

// embeddedDemo runs the demo in the embedded world once for all tests, which look at its
// folder and change nothing in it.
func embeddedDemo(t *testing.T) (dir string, rep demo.Report) {
	t.Helper()
	dir = filepath.Join(scratch, "demo")
	ranDemo.Do(func() {
		ranDemo.code, ranDemo.rep = runDemo(t, "demo", "--dir", dir, "--count", demoCount, "-o", "json")
	})
	require.Zero(t, ranDemo.code, ranDemo.rep.Problems)
	return dir, ranDemo.rep
}

// The demo holds, and whatever is taken from its folder afterwards is named.
func TestE2EDemo(t *testing.T) {
	dir, rep := embeddedDemo(t)
	require.True(t, rep.Holds)
	require.Empty(t, rep.Problems)
	require.Equal(t, rep.Announced, rep.Done+rep.Rejected)
	require.Zero(t, rep.InFlight+rep.Dead+rep.Discarded)
	require.NotNil(t, rep.Letter)
	require.Equal(t, pipeline.LetterResolved, rep.Letter.State)
	require.Positive(t, rep.Duplicates)
	require.NotEmpty(t, rep.CachedURLs)
	require.GreaterOrEqual(t, rep.Thumbnails, 3*demoPhotos)
	t.Logf("%d announced in %.1f s", rep.Announced, rep.Seconds)

	code, again := runDemo(t, "demo", "--verify", "--dir", dir, "-o", "json")
	require.Zero(t, code, again.Problems)
	require.Equal(t, rep.Orders, again.Orders)

	first := rep.Orders[0]
	entry := first.Images[0]
	key := entry[len("cos://"+devworld.Bucket+"/"):]
	id := pipeline.UploadID(devworld.Bucket, key)
	for name, c := range map[string]struct {
		tamper func(t *testing.T, dir string)
		want   string
		others int // problems that follow from it
	}{
		"entry deleted": {
			orders("UPDATE orders SET images = json_remove(images, '$[0]') WHERE id = ?", first.ID),
			"order " + first.ID + ": entry missing: " + entry, 0,
		},
		"entry added": {
			orders("UPDATE orders SET images = json_insert(images, '$[#]', 'cos://b/phantom.jpg') WHERE id = ?", first.ID),
			"order " + first.ID + ": entry that nobody chose: cos://b/phantom.jpg", 0,
		},
		"entry twice": {
			orders("UPDATE orders SET images = json_insert(images, '$[#]', json_extract(images, '$[0]')) WHERE id = ?", first.ID),
			"order " + first.ID + ": an entry stands twice", 0,
		},
		"entries swapped": {
			orders("UPDATE orders SET images = json_set(images, '$[0]', json_extract(images, '$[1]'), '$[1]', json_extract(images, '$[0]')) WHERE id = ?", first.ID),
			"order " + first.ID + ": the entries are not in the chosen order", 0,
		},
		"order deleted": {
			orders("DELETE FROM orders WHERE id = ?", first.ID), "order " + first.ID + " is not in the shop", 1,
		},
		"order added": {
			orders("INSERT INTO orders (id, openid) VALUES (?, 'o')", "Z999"), "order Z999 was never named and holds 0 entries", 0,
		},
		"ledger row deleted": {row(id), "lost: " + key + " was sent and is not in the ledger", 1},
		"thumbnail deleted":  {object("thumbs/small/" + key + ".jpg"), "thumbnail missing: thumbs/small/" + key + ".jpg", 0},
	} {
		t.Run(name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "demo")
			require.NoError(t, os.CopyFS(copied, os.DirFS(dir)))
			c.tamper(t, copied)
			code, rep := runDemo(t, "demo", "--verify", "--dir", copied, "-o", "json")
			require.Equal(t, 3, code, "partial")
			require.False(t, rep.Holds)
			require.Len(t, rep.Problems, 1+c.others, rep.Problems)
			require.Contains(t, rep.Problems, c.want)
		})
	}
}

// runDemo runs the command in a process of its own and reads its report.
func runDemo(t *testing.T, args ...string) (code int, rep demo.Report) {
	t.Helper()
	return runDemoOn(t, nil, args...)
}

// runDemoOn is runDemo with something in the environment.
func runDemoOn(t *testing.T, environ []string, args ...string) (code int, rep demo.Report) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := command(t, t.TempDir(), args...)
	cmd.Env = append(cmd.Env, environ...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if ok {
		code = exit.ExitCode()
	} else {
		require.NoError(t, err)
	}
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &rep), "exit code %d: %s", code, stderr.String())
	return code, rep
}

func orders(query, arg string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		change(t, filepath.Join(dir, "orders.db"), query, arg)
	}
}

// row deletes an upload with everything that hangs on it.
func row(id string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		path := filepath.Join(dir, "ledger.db")
		for _, table := range []string{"attempts", "upload_steps", "order_links"} {
			change(t, path, "DELETE FROM "+table+" WHERE upload_id = ?", id)
		}
		change(t, path, "DELETE FROM uploads WHERE id = ?", id)
	}
}

func change(t *testing.T, path, query, arg string) {
	t.Helper()
	db, err := sqldb.Open(t.Context(), "sqlite://"+path)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	res, err := db.SQL().ExecContext(t.Context(), query, arg)
	require.NoError(t, err)
	n, err := res.RowsAffected()
	require.NoError(t, err)
	require.Positive(t, n, query)
}

// object deletes an object from the folder of the bucket.
func object(key string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "cos", "objects", "*", "*.json"))
		require.NoError(t, err)
		for _, f := range files {
			b, err := os.ReadFile(f)
			require.NoError(t, err)
			if bytes.Contains(b, []byte(`"`+key+`"`)) {
				require.NoError(t, os.Remove(f))
				return
			}
		}
		t.Fatalf("no object %s", key)
	}
}
