package orders_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/orders"
)

// loser gives statements for a table whose updates lose as if by a deadlock: those of row 1
// three times, by a sequence, which is not rolled back; those of row 2 always.
func (e engine) loser(state string) []string {
	table := "CREATE TABLE orders (id VARCHAR(20) PRIMARY KEY, images TEXT)"
	row := "INSERT INTO orders VALUES ('1', '[]'), ('2', '[]')"
	if e.dialect == orders.Postgres {
		return []string{
			table, row, "CREATE SEQUENCE tries",
			fmt.Sprintf("CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = '2' OR nextval('tries') <= 3 THEN RAISE EXCEPTION 'lost' USING ERRCODE = '%s'; END IF; RETURN NEW; END $$", state),
			"CREATE TRIGGER lose BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION lose()",
		}
	}
	return []string{
		table, row, "CREATE SEQUENCE tries",
		fmt.Sprintf("CREATE TRIGGER lose BEFORE UPDATE ON orders FOR EACH ROW IF NEW.id = '2' OR NEXTVAL(tries) <= 3 THEN SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = %s, MESSAGE_TEXT = 'lost'; END IF", state),
	}
}

// TestLostTransactions: a write that loses a deadlock or a serialization conflict runs again
// by itself, and one that always loses ends as Transient.
func TestLostTransactions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		engine engine
		state  string
	}{
		"postgres/deadlock":      {postgres(), "40P01"},
		"postgres/serialization": {postgres(), "40001"},
		"mariadb/deadlock":       {mariadb(), "1213"},
		"mariadb/snapshot":       {mariadb(), "1020"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := tt.engine.shop(t, orders.Options{}, tt.engine.loser(tt.state)...)
			require.NoError(t, s.WriteImages(t.Context(), readOrder(t, s, "1"), []string{"x"}))
			require.Equal(t, []string{"x"}, readOrder(t, s, "1").Images)

			err := s.WriteImages(t.Context(), readOrder(t, s, "2"), []string{"x"})
			require.Equal(t, pipeline.Transient, pipeline.ClassOf(err), "%v", err)
			require.Empty(t, readOrder(t, s, "2").Images)
		})
	}
}
