// Package release tells which afterput this binary is. It takes what the linker and the go
// command put into it, and imports nothing of afterput.
package release
