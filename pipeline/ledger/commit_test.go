package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
)

// Whatever of a COMMIT is lost on the way, its transaction takes effect once, and the caller
// hears what came of it.
func TestLostCommit(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func(testing.TB) string{"postgres": sqldbtest.Postgres, "mariadb": sqldbtest.MariaDB} {
		for lost, breaks := range map[string]func(*sqldbtest.Line, int){
			"question": (*sqldbtest.Line).LoseQuestions, "answer": (*sqldbtest.Line).LoseAnswers,
		} {
			t.Run(name+" loses the "+lost, func(t *testing.T) {
				t.Parallel()
				line, behind, err := sqldbtest.Through(t.Context(), database(t))
				require.NoError(t, err)
				t.Cleanup(line.Close)
				l := open(t, behind, ledger.Options{})
				a := pipeline.Announcement{Bucket: "photos-1250000000", Key: "users/o1/a.jpg", Order: "A1"}
				for i := range 3 {
					breaks(line, 1)
					res, err := l.Announce(t.Context(), "", []pipeline.Announcement{a})
					require.NoError(t, err)
					require.Len(t, res.Wishes, 1)
					require.Equal(t, i+1, line.Broke())
					u, err := l.Upload(t.Context(), res.Announced[0].UploadID)
					require.NoError(t, err)
					require.Equal(t, i+1, u.Announcements)
				}
			})
		}
	}
}
