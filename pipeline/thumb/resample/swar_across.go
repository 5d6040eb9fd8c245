package resample

// across filters three rows at once. The tap counts of the usual ratios are unrolled over
// array pointers, which leaves the compiler no bounds to check within a window.
func (s *swar) across(dst [][]byte) {
	a := dst[0]
	b, c := s.spare[:len(a)], s.spare[:len(a)]
	if len(dst) > 1 {
		b = dst[1]
	}
	if len(dst) > 2 {
		c = dst[2]
	}
	switch s.fx.taps {
	case 6:
		across6(a, b, c, s.column, s.fx)
	case 8:
		across8(a, b, c, s.column, s.fx)
	case 10:
		across10(a, b, c, s.column, s.fx)
	case 12:
		across12(a, b, c, s.column, s.fx)
	case 16:
		across16(a, b, c, s.column, s.fx)
	case 18:
		across18(a, b, c, s.column, s.fx)
	default:
		acrossAny(a, b, c, s.column, s.fx)
	}
}

// put writes the sample of each lane of a sum.
func put(a, b, c *byte, sum uint64) {
	*a = clamped[sum>>coefBits&laneMask]
	*b = clamped[sum>>(coefBits+laneBits)&laneMask]
	*c = clamped[sum>>(coefBits+2*laneBits)&laneMask]
}

func dot2(p *[2]uint64, w *[2]int16) uint64 {
	return uint64(w[0])*p[0] + uint64(w[1])*p[1]
}

func dot4(p *[4]uint64, w *[4]int16) uint64 {
	return uint64(w[0])*p[0] + uint64(w[1])*p[1] + uint64(w[2])*p[2] + uint64(w[3])*p[3]
}

func across6(a, b, c []byte, column []uint64, f *filter) {
	b, c, start, coef := b[:len(a)], c[:len(a)], f.start[:len(a)], f.coef
	for x := range a {
		p, w := (*[6]uint64)(column[start[x]:]), (*[6]int16)(coef[x*6:])
		sum := dot4((*[4]uint64)(p[0:4]), (*[4]int16)(w[0:4])) +
			dot2((*[2]uint64)(p[4:6]), (*[2]int16)(w[4:6]))
		put(&a[x], &b[x], &c[x], bias3+sum)
	}
}

func across8(a, b, c []byte, column []uint64, f *filter) {
	b, c, start, coef := b[:len(a)], c[:len(a)], f.start[:len(a)], f.coef
	for x := range a {
		p, w := (*[8]uint64)(column[start[x]:]), (*[8]int16)(coef[x*8:])
		sum := dot4((*[4]uint64)(p[0:4]), (*[4]int16)(w[0:4])) +
			dot4((*[4]uint64)(p[4:8]), (*[4]int16)(w[4:8]))
		put(&a[x], &b[x], &c[x], bias3+sum)
	}
}

func across10(a, b, c []byte, column []uint64, f *filter) {
	b, c, start, coef := b[:len(a)], c[:len(a)], f.start[:len(a)], f.coef
	for x := range a {
		p, w := (*[10]uint64)(column[start[x]:]), (*[10]int16)(coef[x*10:])
		sum := dot4((*[4]uint64)(p[0:4]), (*[4]int16)(w[0:4])) +
			dot4((*[4]uint64)(p[4:8]), (*[4]int16)(w[4:8])) +
			dot2((*[2]uint64)(p[8:10]), (*[2]int16)(w[8:10]))
		put(&a[x], &b[x], &c[x], bias3+sum)
	}
}

func across12(a, b, c []byte, column []uint64, f *filter) {
	b, c, start, coef := b[:len(a)], c[:len(a)], f.start[:len(a)], f.coef
	for x := range a {
		p, w := (*[12]uint64)(column[start[x]:]), (*[12]int16)(coef[x*12:])
		sum := dot4((*[4]uint64)(p[0:4]), (*[4]int16)(w[0:4])) +
			dot4((*[4]uint64)(p[4:8]), (*[4]int16)(w[4:8])) +
			dot4((*[4]uint64)(p[8:12]), (*[4]int16)(w[8:12]))
		put(&a[x], &b[x], &c[x], bias3+sum)
	}
}

func across16(a, b, c []byte, column []uint64, f *filter) {
	b, c, start, coef := b[:len(a)], c[:len(a)], f.start[:len(a)], f.coef
	for x := range a {
		p, w := (*[16]uint64)(column[start[x]:]), (*[16]int16)(coef[x*16:])
		sum := dot4((*[4]uint64)(p[0:4]), (*[4]int16)(w[0:4])) +
			dot4((*[4]uint64)(p[4:8]), (*[4]int16)(w[4:8])) +
			dot4((*[4]uint64)(p[8:12]), (*[4]int16)(w[8:12])) +
			dot4((*[4]uint64)(p[12:16]), (*[4]int16)(w[12:16]))
		put(&a[x], &b[x], &c[x], bias3+sum)
	}
}

func across18(a, b, c []byte, column []uint64, f *filter) {
	b, c, start, coef := b[:len(a)], c[:len(a)], f.start[:len(a)], f.coef
	for x := range a {
		p, w := (*[18]uint64)(column[start[x]:]), (*[18]int16)(coef[x*18:])
		sum := dot4((*[4]uint64)(p[0:4]), (*[4]int16)(w[0:4])) +
			dot4((*[4]uint64)(p[4:8]), (*[4]int16)(w[4:8])) +
			dot4((*[4]uint64)(p[8:12]), (*[4]int16)(w[8:12])) +
			dot4((*[4]uint64)(p[12:16]), (*[4]int16)(w[12:16])) +
			dot2((*[2]uint64)(p[16:18]), (*[2]int16)(w[16:18]))
		put(&a[x], &b[x], &c[x], bias3+sum)
	}
}

func acrossAny(a, b, c []byte, column []uint64, f *filter) {
	b, c, start := b[:len(a)], c[:len(a)], f.start[:len(a)]
	for x := range a {
		w := f.row(x)
		p := column[start[x]:][:len(w)]
		sum := bias3
		for len(w) >= 4 && len(p) >= 4 {
			sum += dot4((*[4]uint64)(p), (*[4]int16)(w))
			w, p = w[4:], p[4:]
		}
		if len(w) >= 2 && len(p) >= 2 {
			sum += dot2((*[2]uint64)(p), (*[2]int16)(w))
		}
		put(&a[x], &b[x], &c[x], sum)
	}
}
