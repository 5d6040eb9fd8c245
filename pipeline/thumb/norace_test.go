//go:build !race

package thumb_test

const raced = false
