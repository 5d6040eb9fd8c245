package resample

import (
	"bytes"
	"testing"
)

// FuzzResample scales any samples by any ratio, in portions, and compares with plain Go
// and with the truth.
func FuzzResample(f *testing.F) {
	f.Add([]byte("\x00\xff\x80"), uint16(31), uint16(22), uint16(20), uint16(14), uint16(0), uint16(0), uint8(3))
	f.Add([]byte("\xff\xff\xff\x00\x00"), uint16(90), uint16(3), uint16(30), uint16(9), uint16(0), uint16(0), uint8(8))
	f.Add([]byte("\x01"), uint16(1), uint16(1), uint16(50), uint16(1), uint16(0), uint16(0), uint8(0))
	f.Add([]byte("\x00\x00\xff"), uint16(64), uint16(64), uint16(8), uint16(8), uint16(300), uint16(700), uint8(16))
	f.Add([]byte("\xfe\x02"), uint16(40), uint16(70), uint16(40), uint16(35), uint16(65535), uint16(1), uint8(1))
	f.Fuzz(func(t *testing.T, pattern []byte, w, h, dw, dh, shiftX, shiftY uint16, portion uint8) {
		if len(pattern) == 0 {
			return
		}
		src := NewPlane(int(w)%130+1, int(h)%130+1)
		for i := range src.Pix {
			src.Pix[i] = pattern[i%len(pattern)]
		}
		x := axisOf(src.Width, dw, shiftX)
		y := axisOf(src.Height, dh, shiftY)
		dst := NewPlane(x.Dest, y.Dest)
		s := New(nil)
		if err := s.Reset(x, y, dst); err != nil {
			t.Fatal(err)
		}
		for row := 0; row < src.Height; row += int(portion) + 1 {
			n := min(int(portion)+1, src.Height-row)
			s.Rows(src.Pix[row*src.Stride:], src.Stride, n)
		}
		if s.Done() != y.Dest {
			t.Fatalf("%d of %d rows", s.Done(), y.Dest)
		}
		plain := New(nil)
		plain.passes = new(swar)
		same := NewPlane(x.Dest, y.Dest)
		if err := plain.Reset(x, y, same); err != nil {
			t.Fatal(err)
		}
		plain.Rows(src.Pix, src.Stride, src.Height)
		if !bytes.Equal(same.Pix, dst.Pix) {
			t.Fatalf("%+v %+v: not what plain Go makes", x, y)
		}
		if far := apart(dst, reference(src, x, y)); far > bound(x, y) {
			t.Fatalf("%+v %+v: %v levels apart", x, y, far)
		}
	})
}

// axisOf makes an axis of ratio 1/4 to 8 out of a fuzzer's numbers.
func axisOf(source int, dest, shift uint16) Axis {
	a := Axis{Source: source, Dest: int(dest)%140 + 1, Offset: float64(shift%512) / 16}
	a.Dest = min(a.Dest, 4*source)
	a.Ratio = min(8, float64(source)/float64(a.Dest)*(1-float64(shift>>9)/256))
	return a
}
