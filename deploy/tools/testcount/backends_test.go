package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBackendOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		test    string
		several bool
		want    string
	}{
		{"TestSuite/sqlite/TEXT/business entries stay", false, "sqlite"},
		{"TestSuite/oracle/empty", false, "oracle"},
		{"TestSuite", false, ""},
		{"TestRowLock/mariadb", true, "mariadb"},
		{"TestRowLock/of mariadb", true, ""},
		{"TestParts/redis", false, ""},
		{"TestPostgres/orders that were written are told", false, "postgres"},
		{"TestRedisBySentinels", false, "sentinel"},
		{"TestRedisOverTLS", false, "tls"},
		{"TestRedisBySocket", false, "socket"},
		{"TestRedisClusterOverTLS", false, "cluster"},
		{"TestCloudBaseOwner/of another", false, "cloudbase"},
		{"TestTLSFilesAreMissing", false, ""},
		{"FuzzPostgres/seed#0", false, ""},
	} {
		require.Equal(t, tt.want, backendOf(tt.test, tt.several), tt.test)
	}
}

// The table counts what passed without its parents, finds its columns, and names cells that
// should hold something.
func TestMatrix(t *testing.T) {
	t.Parallel()
	m := matrix{}
	m.add(module+"pipeline/ledger", map[string]bool{
		"TestSQLite": true, "TestSQLite/a": true, "TestSQLite/b": true, "TestSQLite/c": false,
		"TestPostgres": true, "TestPostgres/a": true, "TestMariaDB": false, "TestMariaDB/a": false, "TestOther": true,
	})
	m.add(module+"pipeline/orders", map[string]bool{
		"TestSuite": true, "TestSuite/sqlite": true, "TestSuite/postgres/text[]": true, "TestSuite/paper": true,
		"TestSuiteCloudBase": true, "TestRowLock": true, "TestRowLock/postgres": true, "TestRowLock/mariadb": true, "TestParts/redis": true,
	})
	m.add(module+"pipeline/probe", map[string]bool{"TestJPEG": true, "TestJPEG/redis": true})
	var out bytes.Buffer
	m.print(&out)
	require.Equal(t, strings.TrimPrefix(`
| passed on       | sqlite | postgres | mariadb | cloudbase | paper |
|---              |---     |---       |---      |---        |---    |
| pipeline/ledger | 2      | 1        | 0       |           |       |
| pipeline/orders | 1      | 2        | 1       | 1         | 1     |
`, "\n"), out.String())
	require.Equal(t, []string{"pipeline/ledger on mariadb"}, m.empty())
}

// An empty cell fails a run that must not skip anything, whether its tests were skipped or
// are gone.
func TestEmptyCell(t *testing.T) {
	t.Parallel()
	const pkg = module + "pipeline/ledger"
	for name, test := range map[string]string{"skipped": "TestMariaDB", "gone": "TestSomething"} {
		for _, strict := range []bool{false, true} {
			var in strings.Builder
			for test, action := range map[string]string{"TestSQLite": "pass", "TestPostgres": "pass", test: "skip"} {
				fmt.Fprintf(&in, `{"Action":"run","Package":%q,"Test":%q}`+"\n"+`{"Action":%q,"Package":%[1]q,"Test":%[2]q}`+"\n", pkg, test, action)
			}
			fmt.Fprintf(&in, `{"Action":"pass","Package":%q}`+"\n", pkg)
			var out bytes.Buffer
			c := newCounter(&out)
			c.strict = strict
			require.NoError(t, c.read(strings.NewReader(in.String())))
			require.Equal(t, !strict, c.finish(), name)
			require.Equal(t, strict, strings.Contains(out.String(), "--- FAIL: no test passed: pipeline/ledger on mariadb\n2 passed, 1 failed, 1 skipped\n"), out.String())
		}
	}
}
