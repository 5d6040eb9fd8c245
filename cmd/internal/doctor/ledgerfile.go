package doctor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/afterput/afterput/pipeline/sqldb"
)

const (
	// littleDisk and noDisk are the free bytes of the disk of a ledger that are worth a word
	// and that are too few: the log of SQLite grows by megabytes before it is written back.
	littleDisk = 1 << 30
	noDisk     = 64 << 20
)

// ledgerFile looks at what SQLite lies on.
func ledgerFile(h sqldb.Health) []Finding {
	findings := []Finding{journal(h.Journal)}
	free, err := freeBytes(filepath.Dir(h.Path))
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		findings = append(findings, Finding{Skip, "the free space of the disk cannot be told on this system", "see that there is some"})
	case err != nil:
		findings = append(findings, Finding{Skip, "the free space of the disk cannot be told: " + err.Error(), "see that there is some"})
	default:
		findings = append(findings, diskSpace(free))
	}
	file, err := os.Stat(h.Path)
	if err != nil {
		return append(findings, Finding{Fail, err.Error(), "correct ledger.url"})
	}
	folder, err := os.Stat(filepath.Dir(h.Path))
	if err != nil {
		return append(findings, Finding{Fail, err.Error(), "correct ledger.url"})
	}
	return append(findings, readers(h.Path, file.Mode(), folder.Mode()))
}

func journal(mode string) Finding {
	if mode == "wal" {
		return Finding{Level: OK, What: "it runs in WAL mode"}
	}
	return Finding{
		Fail, "it runs in journal mode " + mode + ", where readers and the writer stop each other", "put the file on a local disk: WAL needs shared memory",
	}
}

func diskSpace(free uint64) Finding {
	what := fmt.Sprintf("%.1f GiB of its disk are free", float64(free)/(1<<30))
	const mend = "make room, or let rows go: afterput prune --older-than 90d"
	switch {
	case free < noDisk:
		return Finding{Fail, what, mend}
	case free < littleDisk:
		return Finding{Warn, what, mend}
	}
	return Finding{Level: OK, What: what}
}

// readers tells of a file that every account of the machine may read or write.
func readers(path string, file, folder os.FileMode) Finding {
	if file&0o006 == 0 || folder&0o001 == 0 {
		return Finding{Level: OK, What: "others cannot read it"}
	}
	return Finding{
		Warn, fmt.Sprintf("every account of this machine may open it (%04o, in a folder of %04o), and whose uploads are which is in it", file.Perm(), folder.Perm()),
		"chmod o-rwx " + path,
	}
}
