package jpeg

import "testing"

// FuzzEncode writes any samples at any size and quality, and reads them with the standard library.
func FuzzEncode(f *testing.F) {
	f.Add([]byte("\x00\xff\x80\x10"), uint8(16), uint8(16), uint8(0), uint8(80))
	f.Add([]byte("\xff"), uint8(0), uint8(0), uint8(1), uint8(100))
	f.Add([]byte("\x00\x00\x00\xff\xff"), uint8(17), uint8(9), uint8(2), uint8(1))
	f.Add([]byte("photo \x80\x82\x81\x7f\x30"), uint8(63), uint8(40), uint8(0), uint8(95))
	f.Fuzz(func(t *testing.T, pattern []byte, width, height, sampling, quality uint8) {
		if len(pattern) == 0 {
			return
		}
		next := 0
		p := picture(int(width)%80+1, int(height)%80+1, Sampling(sampling%3), func(int, int, int) byte {
			next++
			return pattern[next%len(pattern)]
		})
		opt := EncodeOptions{Quality: int(quality)%100 + 1, ICC: pattern}
		var e Encoder
		file, err := e.Encode(nil, p, opt)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, &e, p, file)
	})
}
