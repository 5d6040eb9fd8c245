package png

// MaxFactor is the largest side of a cell of a Shrinker.
const MaxFactor = 256

// Shrinker averages cells of factor x factor pixels into one as rows come. Cells at the right
// and at the bottom may be smaller; their mean is that of the pixels that there are. The zero
// value must be reset. It is not safe for concurrent use.
type Shrinker struct {
	width, height, channels, factor int
	came                            int // rows of the image
	inCell                          int // rows of the cell that is filled
	sums                            []uint16
	out                             []byte
}

// Reset prepares for an image of width x height pixels of 1 or 3 channels. factor is 1 to
// MaxFactor.
func (s *Shrinker) Reset(width, height, channels, factor int) {
	s.width, s.height, s.channels, s.factor = width, height, channels, min(max(factor, 1), MaxFactor)
	s.came, s.inCell = 0, 0
	s.out = sized(s.out, s.Width()*channels)
	if cap(s.sums) < width*channels {
		s.sums = make([]uint16, width*channels)
	}
	s.sums = s.sums[:width*channels]
}

// Width and Height are those of the result: rounded up.
func (s *Shrinker) Width() int { return (s.width + s.factor - 1) / s.factor }

// Height is that of the result.
func (s *Shrinker) Height() int { return (s.height + s.factor - 1) / s.factor }

// Row takes a row and gives one of the result where it completes that, nil otherwise. What it
// gives holds until the next call.
func (s *Shrinker) Row(row []byte) []byte {
	s.came++
	if s.factor == 1 {
		return row
	}
	s.inCell++
	s.add(row)
	if s.inCell < s.factor && s.came < s.height {
		return nil
	}
	s.finish()
	s.inCell = 0
	return s.out
}

func (s *Shrinker) add(row []byte) {
	sums := s.sums
	row = row[:len(sums)]
	if s.inCell == 1 {
		for i, v := range row {
			sums[i] = uint16(v)
		}
		return
	}
	for i, v := range row {
		sums[i] += uint16(v)
	}
}

// mean divides sums below 2^24 by up to 2^16, rounded, without a division.
type mean struct{ half, inverse uint64 }

func meanOf(n int) mean {
	return mean{half: uint64(n) / 2, inverse: (1<<40 + uint64(n) - 1) / uint64(n)}
}

func (m mean) of(sum uint32) byte { return byte((uint64(sum) + m.half) * m.inverse >> 40) }

func (s *Shrinker) finish() {
	sums, out, n := s.sums, s.out, s.channels
	whole := s.width / s.factor
	m := meanOf(s.factor * s.inCell)
	switch {
	case s.factor == 2 && n == 3:
		for x := range whole {
			c, o := sums[6*x:6*x+6], out[3*x:3*x+3]
			o[0] = m.of(uint32(c[0]) + uint32(c[3]))
			o[1] = m.of(uint32(c[1]) + uint32(c[4]))
			o[2] = m.of(uint32(c[2]) + uint32(c[5]))
		}
	case n == 3:
		for x := range whole {
			cells := sums[3*x*s.factor : 3*(x+1)*s.factor]
			var r, g, b uint32
			for ; len(cells) >= 3; cells = cells[3:] {
				r, g, b = r+uint32(cells[0]), g+uint32(cells[1]), b+uint32(cells[2])
			}
			o := out[3*x : 3*x+3]
			o[0], o[1], o[2] = m.of(r), m.of(g), m.of(b)
		}
	default:
		for x := range whole {
			var v uint32
			for _, c := range sums[x*s.factor : (x+1)*s.factor] {
				v += uint32(c)
			}
			out[x] = m.of(v)
		}
	}
	if rest := s.width % s.factor; rest > 0 {
		m = meanOf(rest * s.inCell)
		for c := range n {
			var v uint32
			for x := s.width - rest; x < s.width; x++ {
				v += uint32(sums[x*n+c])
			}
			out[whole*n+c] = m.of(v)
		}
	}
}
