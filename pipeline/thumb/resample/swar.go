package resample

// Three samples travel in one uint64, in lanes of 21 bits. A lane is multiplied by a signed
// coefficient of 11 bits and a sign; sums may borrow from the lane above while they are
// negative, but with bias added the final sum of each lane is positive and below 1<<21, and
// then the lanes are what they would have been apart.
const (
	laneBits = 21
	under    = 128 // levels that a sum may fall below black
	bias     = under<<coefBits + 1<<(coefBits-1)
	bias3    = uint64(bias) | uint64(bias)<<laneBits | uint64(bias)<<(2*laneBits)
)

// clamped maps a sum's whole part, with the bias in it, to a sample.
var clamped = func() (t [1 << (laneBits - coefBits)]uint8) {
	for i := range t {
		t[i] = uint8(max(0, min(255, i-under)))
	}
	return t
}()

const laneMask = uint64(len(clamped) - 1)

// swar filters in plain Go. Rows are packed three neighbours to a word for the pass
// down; for the pass across a word holds the same column of three rows.
type swar struct {
	words  int // per packed row
	kept   []uint64
	sum    []uint64
	column []uint64
	spare  []byte // stands for the rows that the last group does not have
	fx     *filter
}

func (s *swar) reset(width, slots int, fx *filter) {
	s.words = (width + 2) / 3
	s.fx = fx
	s.kept = grown(s.kept, s.words*slots)
	s.sum = grown(s.sum, s.words)
	// The window of a source narrower than it runs over the end, under coefficients of zero.
	s.column = grown(s.column, max(3*s.words, fx.taps))
	s.spare = grown(s.spare, len(fx.start))
}

// grown returns a slice of n elements, which is s where that is large enough.
func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

func (s *swar) keep(slot int, row []byte) {
	words := s.kept[slot*s.words:][:s.words]
	for i := range words {
		if len(row) < 3 {
			break
		}
		words[i] = uint64(row[0]) | uint64(row[1])<<laneBits | uint64(row[2])<<(2*laneBits)
		row = row[3:]
	}
	if len(row) == 0 {
		return
	}
	last := uint64(row[0])
	if len(row) > 1 {
		last |= uint64(row[1]) << laneBits
	}
	words[len(words)-1] = last
}

func (s *swar) lanes() int { return 3 }

func (s *swar) down(slots []int, coef []int16, lane int) {
	s.two(slots, coef, bias3, true)
	slots, coef = slots[2:], coef[2:]
	for len(coef) >= 4 {
		s.four(slots, coef)
		slots, coef = slots[4:], coef[4:]
	}
	if len(coef) > 0 {
		s.two(slots, coef, 0, false)
	}
	s.spread(lane)
}

// row returns the packed row in a slot, as long as the sums.
func (s *swar) row(slot int) []uint64 { return s.kept[slot*s.words:][:len(s.sum)] }

// two adds two rows to the sums, or to start alone.
func (s *swar) two(slots []int, coef []int16, start uint64, first bool) {
	a, b := s.row(slots[0]), s.row(slots[1])
	ca, cb := uint64(coef[0]), uint64(coef[1])
	sum := s.sum
	if first {
		for i := range sum {
			sum[i] = start + ca*a[i] + cb*b[i]
		}
		return
	}
	for i := range sum {
		sum[i] += ca*a[i] + cb*b[i]
	}
}

// four adds four rows to the sums.
func (s *swar) four(slots []int, coef []int16) {
	a, b, c, d := s.row(slots[0]), s.row(slots[1]), s.row(slots[2]), s.row(slots[3])
	ca, cb, cc, cd := uint64(coef[0]), uint64(coef[1]), uint64(coef[2]), uint64(coef[3])
	sum := s.sum
	for i := range sum {
		sum[i] += ca*a[i] + cb*b[i] + cc*c[i] + cd*d[i]
	}
}

// spread turns the sums into samples, in a lane of the columns.
func (s *swar) spread(lane int) {
	shift := uint(lane*laneBits) & 63
	column := s.column
	for _, v := range s.sum {
		if len(column) < 3 {
			break
		}
		a := uint64(clamped[v>>coefBits&laneMask])
		b := uint64(clamped[v>>(coefBits+laneBits)&laneMask])
		c := uint64(clamped[v>>(coefBits+2*laneBits)&laneMask])
		if lane == 0 {
			column[0], column[1], column[2] = a, b, c
		} else {
			column[0] |= a << shift
			column[1] |= b << shift
			column[2] |= c << shift
		}
		column = column[3:]
	}
}
