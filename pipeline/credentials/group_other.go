//go:build !unix

package credentials

import (
	"os"
	"syscall"
)

func ownGroup() *syscall.SysProcAttr { return nil }

func endGroup(p *os.Process) error {
	if p == nil {
		return errNoProcess
	}
	return p.Kill()
}
