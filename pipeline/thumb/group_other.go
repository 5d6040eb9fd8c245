//go:build !unix

package thumb

import "syscall"

func ownGroup() *syscall.SysProcAttr { return nil }
