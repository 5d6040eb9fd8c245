package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ByteSize is a number of bytes, written as 20MB (powers of 1000) or 64MiB (powers of 1024).
type ByteSize int64

// The units of a ByteSize.
const (
	KB ByteSize = 1000
	MB          = 1000 * KB
	GB          = 1000 * MB

	KiB ByteSize = 1024
	MiB          = 1024 * KiB
	GiB          = 1024 * MiB
)

type sizeUnit struct {
	name string
	size ByteSize
}

// sizeUnits are in the order in which String tries them: the largest first.
func sizeUnits() []sizeUnit {
	return []sizeUnit{
		{"GiB", GiB}, {"GB", GB}, {"MiB", MiB}, {"MB", MB}, {"KiB", KiB}, {"KB", KB}, {"B", 1},
	}
}

// ParseByteSize reads 1048576, 512B, 20MB, 64MiB or 1 GiB; the case of the unit does not matter.
func ParseByteSize(s string) (ByteSize, error) {
	s = strings.TrimSpace(s)
	end := len(s)
	for i, r := range s {
		if r < '0' || r > '9' {
			end = i
			break
		}
	}
	n, err := strconv.ParseInt(s[:end], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a size", s)
	}
	unit := ByteSize(1)
	if name := strings.TrimSpace(s[end:]); name != "" {
		unit = 0
		for _, u := range sizeUnits() {
			if strings.EqualFold(u.name, name) {
				unit = u.size
			}
		}
	}
	if unit == 0 || n > math.MaxInt64/int64(unit) {
		return 0, fmt.Errorf("%q is not a size", s)
	}
	return ByteSize(n) * unit, nil
}

// String prints the size in the largest unit that loses nothing.
func (b ByteSize) String() string {
	for _, u := range sizeUnits() {
		if b != 0 && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// MarshalText prints the size as String does.
func (b ByteSize) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads what ParseByteSize reads.
func (b *ByteSize) UnmarshalText(text []byte) error {
	v, err := ParseByteSize(string(text))
	if err != nil {
		return err
	}
	*b = v
	return nil
}
