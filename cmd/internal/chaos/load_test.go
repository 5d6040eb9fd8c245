package chaos

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/qsign"
)

// loadRun is a run of four announcements that broke no rule, changed by change.
func loadRun(change func(r *LoadReport, answers []announced, known, checked map[string]bool)) *LoadReport {
	at := time.Unix(1_800_000_000, 0)
	r := &LoadReport{
		Capacity: 200, Rate: 100, For: 2 * time.Minute, Stop: 20 * time.Second,
		RSS: slices.Repeat([]float64{50e6}, 120), stopped: at.Add(50 * time.Second), resumed: at.Add(70 * time.Second),
	}
	known, checked := map[string]bool{}, map[string]bool{}
	var answers []announced
	for i, key := range []string{"ramp", "before", "during", "after"} {
		known[key], checked[key] = true, true
		answers = append(answers, announced{
			key: key, ramp: i == 0, due: at.Add(time.Duration(i) * 26 * time.Second), took: time.Duration(i) * time.Millisecond, status: 202,
		})
	}
	change(r, answers, known, checked)
	r.judge(answers, known, checked)
	return r
}

// A run passes where every answer was 202 or 503, nothing that was accepted is lost and the
// memory stays as it is; each rule alone can break it.
func TestLoadRules(t *testing.T) {
	t.Parallel()
	type m = map[string]bool
	grow := func(r *LoadReport, percent float64) {
		for i := range r.RSS {
			r.RSS[i] *= 1 + percent/100*float64(i)/60 // over sixty of the samples
		}
	}
	for _, tt := range []struct {
		name   string
		change func(r *LoadReport, a []announced, known, checked m)
		want   string
	}{
		{"as it must be", func(*LoadReport, []announced, m, m) {}, ""},
		{"503 is an answer, and keeps nothing", func(_ *LoadReport, a []announced, known, _ m) {
			a[1].status = http.StatusServiceUnavailable
			delete(known, "before")
		}, "before: nothing was accepted"},
		{"500", func(_ *LoadReport, a []announced, _, _ m) { a[2].status = 500 }, "during: 1 answers were neither 202 nor 503; during: nothing was accepted"},
		{"no answer", func(_ *LoadReport, a []announced, _, _ m) { a[1].status = 0 }, "before: 1 answers were neither 202 nor 503; before: nothing was accepted"},
		{"not in the ledger", func(_ *LoadReport, _ []announced, known, checked m) {
			delete(known, "during")
			delete(checked, "during")
		}, "1 accepted are not in the ledger"},
		{"never checked", func(_ *LoadReport, _ []announced, _, checked m) { delete(checked, "after") }, "1 accepted were never checked"},
		{"memory grows", func(r *LoadReport, _ []announced, _, _ m) { grow(r, 3) }, "the memory of serve grows by 2.86 % over the last half"},
		{"memory grows a little", func(r *LoadReport, _ []announced, _, _ m) { grow(r, 0.9) }, ""},
		{"memory shrinks", func(r *LoadReport, _ []announced, _, _ m) { grow(r, -9) }, ""},
		{"memory was never seen", func(r *LoadReport, _ []announced, _, _ m) { r.RSS = nil }, "the memory of serve was not seen"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := loadRun(tt.change)
			broken := strings.Join(r.Broken(), "; ")
			require.Equal(t, tt.want, broken)
		})
	}
}

// The table has a line for each phase, and says what was lost.
func TestLoadTable(t *testing.T) {
	t.Parallel()
	r := loadRun(func(_ *LoadReport, _ []announced, known, _ map[string]bool) { delete(known, "after") })
	var out strings.Builder
	require.NoError(t, r.Print(&out))
	require.Regexp(t, `\| during +\| 1 +\| 1 +\| 0 +\| 0 +\| 0 +\| 2\.0 +\| 2\.0 +\| 2\.0 +\|`, out.String())
	require.Contains(t, out.String(), "capacity 200/s, sent 100/s for 2m0s, Redis stopped for 20s\n")
	require.Contains(t, out.String(), "accepted 4, lost 1 (not in the ledger 1, never checked 0)")

	took := make([]announced, 0, 200)
	for i := range 200 {
		took = append(took, announced{took: time.Duration(200-i) * time.Millisecond, status: 202})
	}
	p := phase("x", took)
	require.Equal(t, []time.Duration{101 * time.Millisecond, 199 * time.Millisecond, 200 * time.Millisecond}, []time.Duration{p.P50, p.P99, p.Max})
}

// The bucket of the run gives every object to who signs, and nothing to others.
func TestLoadObject(t *testing.T) {
	t.Parallel()
	l := &loader{key: qsign.Key{ID: "AKIDload", Secret: "s3cr3t"}}
	get := func(method, secret string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, "http://bucket/users/o1/1.txt", nil)
		r.Header.Set("Range", "bytes=0-65535")
		r.Header.Set("Authorization", qsign.Authorization(qsign.Key{ID: "AKIDload", Secret: secret},
			qsign.Request{Method: method, Path: "/users/o1/1.txt", Header: qsign.Host("bucket")}, qsign.Valid(time.Now(), time.Minute)))
		w := httptest.NewRecorder()
		l.object(w, r)
		return w
	}
	require.Equal(t, http.StatusForbidden, get(http.MethodGet, "wrong").Code)
	require.Equal(t, http.StatusForbidden, get(http.MethodPut, "s3cr3t").Code)
	got := get(http.MethodGet, "s3cr3t")
	require.Equal(t, http.StatusPartialContent, got.Code)
	require.Equal(t, "bytes 0-11/12", got.Header().Get("Content-Range"))
}
