package cli

import (
	"bufio"
	"strings"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
)

// act is what commands that remove something share: a dry run comes first, and acting
// needs a note and either -y or a yes on a terminal.
type act struct {
	dryRun, yes bool
	note        string
}

// agree says whether the command may act. It refuses to act without a note, and where
// nobody can be asked without -y.
func (a *app) agree(p *printer.Printer, o act, question string) (bool, error) {
	switch {
	case o.dryRun:
		return false, nil
	case strings.TrimSpace(o.note) == "":
		return false, failf(exitUsage, "note_required", "--dry-run only counts", "say why with --note: it stands in the audit trail")
	case o.yes:
		return true, nil
	}
	if p.Machine() || !a.person() {
		return false, failf(exitUsage, "confirmation_required", "--dry-run only counts", "nobody can be asked here: confirm with -y")
	}
	a.say("%s Type yes:", question)
	line, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "yes" {
		return false, failf(exitUsage, "not_confirmed", "", "nothing was done")
	}
	return true, nil
}
