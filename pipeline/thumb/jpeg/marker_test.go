package jpeg

import (
	"math/rand/v2"
	"testing"
)

// slowNextMarker is the definition of nextMarker.
func slowNextMarker(data []byte, pos int, restarts bool) (at int, found bool) {
	for at = pos + 1; at < len(data); at++ {
		code := data[at]
		alone := code == markerTEM || isRST(code)
		if data[at-1] == 0xff && code != 0 && code != 0xff && (restarts || !alone) {
			return at, true
		}
	}
	return 0, false
}

// Whatever lies around a marker, it is found, and nothing else is.
func TestNextMarker(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	near := []byte{0, 0, 0, 1, 2, 0x7f, 0x80, 0xcf, 0xd0, 0xd3, 0xd7, 0xd8, 0xd9, 0xfe, 0xff, 0xff, 0xff}
	for n := range 10_000 {
		data := make([]byte, n%40)
		for i := range data {
			data[i] = near[rnd.IntN(3+n%(len(near)-2))]
		}
		for _, restarts := range []bool{false, true} {
			for pos := range len(data) + 1 {
				want, wantFound := slowNextMarker(data, pos, restarts)
				at, found := nextMarker(data, pos, restarts)
				if at != want || found != wantFound {
					t.Fatalf("% x from %d: %d %v, want %d %v", data, pos, at, found, want, wantFound)
				}
			}
		}
	}
}

// BenchmarkNextMarker searches 20 MiB that hold no marker but look like one all the time.
func BenchmarkNextMarker(b *testing.B) {
	for name, pattern := range map[string]string{"stuffed": "\xff\x00", "sparse": "\xff\x00\x00", "restarts": "\xff\xd0", "fill": "\xff"} {
		data := make([]byte, 20<<20)
		for i := range data {
			data[i] = pattern[i%len(pattern)]
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, found := nextMarker(data, 0, false); found {
					b.Fatal("a marker")
				}
			}
		})
	}
}
