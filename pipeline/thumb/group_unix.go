//go:build unix

package thumb

import "syscall"

// ownGroup keeps the keys of a terminal, such as Ctrl-C, from the child: its parent ends it.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
