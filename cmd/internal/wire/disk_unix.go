//go:build linux || darwin

package wire

import "golang.org/x/sys/unix"

// freeDisk gives the bytes that are free where a folder lies; ok is false where nobody can
// tell.
func freeDisk(dir string) (free uint64, ok bool) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil || fs.Bsize <= 0 {
		return 0, false
	}
	return fs.Bavail * uint64(fs.Bsize), true
}
