package credentials_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/credentials"
	"github.com/afterput/afterput/pipeline/qsign"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a program that prints a file and counts its runs, and a clock.
type world struct {
	t   *testing.T
	dir string
	*credentials.Process

	mu  sync.Mutex
	now time.Time
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) sleep(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// newWorld makes a program out of lines of sh, which see the folder as their directory.
func newWorld(t *testing.T, script string, change ...func(*credentials.Options)) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), now: time.Unix(1_800_000_000, 0)}
	path := filepath.Join(w.dir, "keys.sh")
	require.NoError(t, os.WriteFile(path, []byte("cd "+w.dir+"; echo run >> runs\n"+script+"\n"), 0o600))
	opt := credentials.Options{Command: []string{"/bin/sh", path, "an argument; touch shell"}, Now: w.clock, Timeout: time.Minute}
	for _, f := range change {
		f(&opt)
	}
	var err error
	w.Process, err = credentials.New(opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

// prints has the program print keys that end after d; 0 is never.
func (w *world) prints(id string, d time.Duration) {
	end := ""
	if d != 0 {
		end = w.clock().Add(d).UTC().Format(time.RFC3339)
	}
	w.write("out", fmt.Sprintf(`{"secretId":%q,"secretKey":"hush-key","token":"","expiration":%q}`, id, end))
}

func (w *world) write(name, content string) {
	w.t.Helper()
	tmp := filepath.Join(w.dir, name+".tmp")
	require.NoError(w.t, os.WriteFile(tmp, []byte(content), 0o600))
	require.NoError(w.t, os.Rename(tmp, filepath.Join(w.dir, name)))
}

func (w *world) runs() int {
	raw, err := os.ReadFile(filepath.Join(w.dir, "runs"))
	if err != nil {
		return 0
	}
	return strings.Count(string(raw), "run")
}

func (w *world) key() string {
	w.t.Helper()
	k, err := w.Key(w.t.Context())
	require.NoError(w.t, err)
	return k.ID
}

func TestKeyIsKeptUntilItsMargin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "cat out", func(o *credentials.Options) { o.Margin = 10 * time.Minute })
	w.prints("A", time.Hour)
	require.Equal(t, "A", w.key())
	w.prints("B", 2*time.Hour)
	w.sleep(49 * time.Minute)
	require.Equal(t, "A", w.key())
	require.Equal(t, 1, w.runs())

	w.sleep(2 * time.Minute) // within the margin: nobody waits
	require.Contains(t, []string{"A", "B"}, w.key())
	require.Eventually(t, func() bool { return w.key() == "B" }, time.Minute, time.Millisecond)
	require.Equal(t, 2, w.runs())

	k, err := w.Key(t.Context())
	require.NoError(t, err)
	require.Equal(t, qsign.Key{ID: "B", Secret: "hush-key", Expires: time.Unix(1_800_000_000, 0).Add(2 * time.Hour)}, qsign.Key{ID: k.ID, Secret: k.Secret, Expires: k.Expires.Local()})
	require.NoFileExists(t, filepath.Join(w.dir, "shell"), "no shell read the arguments")
}

func TestShortKeysAreKeptForHalfOfTheirLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "cat out")
	w.prints("A", time.Minute)
	require.Equal(t, "A", w.key())
	w.sleep(29 * time.Second)
	require.Equal(t, "A", w.key())
	require.Equal(t, 1, w.runs())
}

func TestKeysWithoutAnEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "cat out")
	w.prints("A", 0)
	require.Equal(t, "A", w.key())
	w.sleep(59 * time.Minute)
	require.Equal(t, "A", w.key())
	require.Equal(t, 1, w.runs())
	w.prints("B", 0)
	w.sleep(2 * time.Minute)
	require.Eventually(t, func() bool { return w.key() == "B" }, time.Minute, time.Millisecond)
}

// TestOneRunForAll: whoever waits shares one run, and a caller that gives up does not end it.
func TestOneRunForAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "until [ -e go ]; do sleep 0.01; done; cat out")
	w.prints("A", time.Hour)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.Key(gone)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))

	got := make(chan string, 50)
	for range cap(got) {
		go func() {
			k, err := w.Key(t.Context())
			got <- fmt.Sprint(k.ID, err)
		}()
	}
	w.write("go", "")
	for range cap(got) {
		require.Equal(t, "A<nil>", <-got)
	}
	require.Equal(t, 1, w.runs())
}

// TestFailure: the last good keys are used until they end, then the reason is told; the
// program is not run for each request; and it heals.
func TestFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "cat out || { echo no role here >&2; exit 3; }")
	w.prints("A", time.Hour)
	require.Equal(t, "A", w.key())
	require.NoError(t, os.Remove(filepath.Join(w.dir, "out")))
	w.sleep(58 * time.Minute)
	for range 5 {
		require.Equal(t, "A", w.key())
	}
	require.Eventually(t, func() bool { return w.runs() == 2 }, time.Minute, time.Millisecond)

	w.sleep(3 * time.Minute)
	_, err := w.Key(t.Context())
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
	require.ErrorContains(t, err, "exit status 3")
	require.ErrorContains(t, err, "no role here")
	runs := w.runs()
	for range 5 {
		_, err = w.Key(t.Context())
		require.ErrorContains(t, err, "no role here")
	}
	require.Equal(t, runs, w.runs())

	w.prints("B", time.Hour)
	w.sleep(6 * time.Second)
	require.Equal(t, "B", w.key())
}

// TestForget: keys that the service calls ended are asked for anew, once.
func TestForget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "cat out")
	w.prints("A", time.Hour)
	require.Equal(t, "A", w.key())
	w.prints("B", time.Hour)
	require.True(t, w.Forget("A"))
	require.Equal(t, "B", w.key())
	require.True(t, w.Forget("A"))
	require.Equal(t, "B", w.key())
	require.Equal(t, 2, w.runs())
}

// TestWhatItGets: of our environment PATH, HOME and what is named; no input.
func TestWhatItGets(t *testing.T) {
	t.Setenv("AFTERPUT_AUTH_KEYS_0_SECRET", "hush-ours")
	t.Setenv("ROLE_NAME", "uploads")
	w := newWorld(t, `env > names; cat > input; echo "$ROLE_NAME" > role; cat out`, func(o *credentials.Options) { o.Env = []string{"ROLE_NAME", "NOT_SET"} })
	w.prints("A", time.Hour)
	require.Equal(t, "A", w.key())
	raw, err := os.ReadFile(filepath.Join(w.dir, "names"))
	require.NoError(t, err)
	require.NotContains(t, string(raw), "AFTERPUT")
	var names []string
	for line := range strings.Lines(string(raw)) {
		name, _, _ := strings.Cut(line, "=")
		names = append(names, name)
	}
	require.Subset(t, []string{"PATH", "HOME", "ROLE_NAME", "PWD", "OLDPWD", "SHLVL", "_"}, names)
	require.Subset(t, names, []string{"PATH", "ROLE_NAME"})
	raw, err = os.ReadFile(filepath.Join(w.dir, "role"))
	require.NoError(t, err)
	require.Equal(t, "uploads\n", string(raw))
	raw, err = os.ReadFile(filepath.Join(w.dir, "input"))
	require.NoError(t, err)
	require.Empty(t, raw)
}

// TestWhatIsRefused: what cannot be keys is told, and no secret is.
func TestWhatIsRefused(t *testing.T) {
	t.Setenv("HUSH_VALUE", "hush passphrase")
	for _, tt := range []struct{ name, script, want string }{
		{"nothing", "true", "it printed nothing"},
		{"no JSON", "echo hush", "it printed no JSON"},
		{"another kind", `echo '{"secretId": 5}'`, "secretId is no text"},
		{"half", `echo '{"secretId": "AKID"}'`, "no secretKey"},
		{"ended", `echo '{"secretId": "a", "secretKey": "hush", "token": "t", "expiration": 1700000000}'`, "ended at 2023-11-14T22:13:20Z"},
		{"ended, in text", `echo '{"secretId": "a", "secretKey": "hush", "token": "t", "expiration": "1700000000"}'`, "ended at 2023"},
		{"a token without an end", `echo '{"secretId": "a", "secretKey": "hush", "token": "t"}'`, "a token without expiration"},
		{"a date of another kind", `echo '{"secretId": "a", "secretKey": "hush", "expiration": "soon"}'`, "neither RFC 3339 nor Unix seconds"},
		{"a header in the token", `printf '{"secretId": "a", "secretKey": "hush", "token": "a\\r\\nb", "expiration": 1900000000}'`, "no header takes"},
		{"too much", `printf '%70000s' x`, "more than 65536 bytes"},
		{"not there", "exec /no/such/program", "127"},
		{
			"secrets in what it says", `echo '{"x":"hushAAAAAAAAAAAAAAAAAAAA"}'; echo "got hushAAAAAAAAAAAAAAAAAAAA for $HUSH_VALUE, secretKey=hush token: \"hush hush\" Authorization: hush; role is gone" >&2; exit 1`,
			"role is gone",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.script, func(o *credentials.Options) { o.Env = []string{"HUSH_VALUE"} })
			_, err := w.Key(t.Context())
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "hush")
			require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
			require.Less(t, len(err.Error()), 600)
		})
	}
	_, err := credentials.New(credentials.Options{})
	require.ErrorContains(t, err, "no command")
}

// TestDeadline: a program that hangs is ended with what it started.
func TestDeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "(sleep 600; touch late) & echo $! > child; sleep 600", func(o *credentials.Options) { o.Timeout = 300 * time.Millisecond })
	_, err := w.Key(t.Context())
	require.ErrorContains(t, err, "did not end within 300ms")
}

// TestClose ends a run under way.
func TestClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "echo begun > begun; sleep 600")
	done := make(chan error, 1)
	go func() {
		_, err := w.Key(t.Context())
		done <- err
	}()
	require.Eventually(t, func() bool { _, err := os.Stat(filepath.Join(w.dir, "begun")); return err == nil }, time.Minute, time.Millisecond)
	require.NoError(t, w.Close())
	require.Error(t, <-done)
	w.sleep(time.Minute)
	_, err := w.Key(t.Context())
	require.ErrorContains(t, err, "closed")
}
