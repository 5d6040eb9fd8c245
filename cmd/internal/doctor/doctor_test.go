package doctor_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/cmd/internal/doctor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type check struct {
	name     string
	findings []doctor.Finding
}

func (c check) Name() string                         { return c.name }
func (c check) Run(context.Context) []doctor.Finding { return c.findings }

func TestRun(t *testing.T) {
	t.Parallel()
	ok, warn, fail := doctor.Finding{Level: doctor.OK, What: "a"}, doctor.Finding{doctor.Warn, "b", "m"}, doctor.Finding{doctor.Fail, "c", "n"}
	results := doctor.Run(t.Context(), []doctor.Check{check{"one", []doctor.Finding{ok, fail}}, check{"two", []doctor.Finding{warn}}})
	require.Equal(t, []doctor.Result{{"one", ok}, {"one", fail}, {"two", warn}}, results)
	require.Equal(t, map[doctor.Level]int{doctor.OK: 1, doctor.Skip: 0, doctor.Warn: 1, doctor.Fail: 1}, doctor.Count(results))
}
