package cli

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// confirm asks for the number where many letters are meant, or objects are deleted. Only a person at a terminal
// can be asked; everybody else says --yes.
func (a *app) confirm(b *bulk, n int, person bool) error {
	if n == 0 || n <= manyLetters && !b.deletes() {
		return nil
	}
	if b.opt.Note == "" {
		return failf(exitUsage, "note_required", "", "%s are many: more than %d need a --note that says why", thousands(n), manyLetters)
	}
	if b.yes {
		return nil
	}
	if !person {
		return failf(exitUsage, "confirmation_required", "look with --dry-run, then add --yes",
			"this would %s", b.what(n))
	}
	a.ask("this will %s; type the number to go on: ", b.what(n))
	line, _ := bufio.NewReader(a.stdin).ReadString('\n')
	if strings.ReplaceAll(strings.TrimSpace(line), ",", "") != strconv.Itoa(n) {
		return failf(exitUsage, "not_confirmed", "", "not confirmed, nothing was touched")
	}
	return nil
}

// person tells that somebody sits at the terminal.
func (a *app) person() bool {
	f, ok := a.stdin.(*os.File)
	return ok && isTerminal(f)
}

// thousands prints 1204 as 1,204.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
