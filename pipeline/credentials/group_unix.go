//go:build unix

package credentials

import (
	"os"
	"syscall"
)

// ownGroup gives the program a group of its own, so that what it starts ends with it.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func endGroup(p *os.Process) error {
	if p == nil {
		return errNoProcess
	}
	return syscall.Kill(-p.Pid, syscall.SIGKILL)
}
