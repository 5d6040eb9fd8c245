package jpegtest

import "math/bits"

// encoder turns the coefficients of a scan into tokens.
type encoder struct {
	m           *Image
	s           Scan
	progressive bool
	restart     int

	tokens     []token
	tables     [4]*table
	prediction [4]int
	// empty counts the blocks whose band ends at once and that are not written yet;
	// pending are the correction bits that go behind them (G.1.2.3).
	empty   int
	pending []byte
}

// run goes through the MCUs.
func (e *encoder) run() {
	mcu := 0
	visit := func(blocks func()) {
		if e.restart > 0 && mcu > 0 && mcu%e.restart == 0 {
			e.endBands()
			e.tokens = append(e.tokens, token{table: restart})
			e.prediction = [4]int{}
		}
		mcu++
		blocks()
	}
	if len(e.s.Components) == 1 {
		i := e.s.Components[0]
		c := &e.m.Components[i]
		for y := range c.RealY {
			for x := range c.RealX {
				visit(func() { e.block(i, &c.Blocks[y*c.Across+x]) })
			}
		}
		e.endBands()
		return
	}
	first := &e.m.Components[e.s.Components[0]]
	for y := range len(first.Blocks) / first.Across / first.V {
		for x := range first.Across / first.H {
			visit(func() { e.mcu(x, y) })
		}
	}
}

func (e *encoder) mcu(x, y int) {
	for _, i := range e.s.Components {
		c := &e.m.Components[i]
		for v := range c.V {
			for h := range c.H {
				e.block(i, &c.Blocks[(y*c.V+v)*c.Across+x*c.H+h])
			}
		}
	}
}

func (e *encoder) block(i int, b *[64]int16) {
	switch {
	case !e.progressive:
		e.dc(i, int(b[0]))
		e.sequentialAC(i, b)
	case e.s.From == 0 && e.s.High == 0:
		e.dc(i, int(b[0])>>e.s.Low)
	case e.s.From == 0:
		e.raw(uint32(int(b[0])>>e.s.Low)&1, 1)
	case e.s.High == 0:
		e.firstAC(i, b)
	default:
		e.refineAC(i, b)
	}
}

func (e *encoder) raw(b uint32, n int) {
	e.tokens = append(e.tokens, token{table: noTable, bits: b, n: n})
}

// value appends a symbol with run and the size of v, and the bits of v (F.1.2.1).
func (e *encoder) value(table, run, v int) {
	size := bits.Len(uint(max(v, -v)))
	code := uint32(v)
	if v < 0 {
		code = uint32(v - 1)
	}
	e.tokens = append(e.tokens, token{table: table, symbol: byte(run<<4 | size), bits: code & (1<<size - 1), n: size})
}

func (e *encoder) dc(i, v int) {
	e.value(min(i, 1), 0, v-e.prediction[i])
	e.prediction[i] = v
}

func (e *encoder) ac(i int) int { return 2 + min(i, 1) }

func (e *encoder) symbol(i int, s byte) {
	e.tokens = append(e.tokens, token{table: e.ac(i), symbol: s})
}

func (e *encoder) sequentialAC(i int, b *[64]int16) {
	run := 0
	for _, v := range b[1:] {
		if v == 0 {
			run++
			continue
		}
		for ; run > 15; run -= 16 {
			e.symbol(i, 0xf0)
		}
		e.value(e.ac(i), run, int(v))
		run = 0
	}
	if run > 0 {
		e.symbol(i, 0)
	}
}

// shifted drops the low bits of a coefficient, towards zero.
func shifted(v int16, low int) int {
	if v < 0 {
		return -(int(-v) >> low)
	}
	return int(v) >> low
}

func (e *encoder) firstAC(i int, b *[64]int16) {
	run := 0
	for k := e.s.From; k <= e.s.To; k++ {
		v := shifted(b[k], e.s.Low)
		if v == 0 {
			run++
			continue
		}
		e.endBands()
		for ; run > 15; run -= 16 {
			e.symbol(i, 0xf0)
		}
		e.value(e.ac(i), run, v)
		run = 0
	}
	if run > 0 {
		e.emptyBand()
	}
}

func (e *encoder) refineAC(i int, b *[64]int16) {
	last := 0 // the last coefficient that comes in
	for k := e.s.From; k <= e.s.To; k++ {
		if v := shifted(b[k], e.s.Low); v == 1 || v == -1 {
			last = k
		}
	}
	run := 0
	var corrections []byte
	for k := e.s.From; k <= e.s.To; k++ {
		v := shifted(b[k], e.s.Low)
		if v == 0 {
			run++
			continue
		}
		for ; run > 15 && k <= last; run -= 16 {
			e.endBands()
			e.symbol(i, 0xf0)
			e.corrections(&corrections)
		}
		if v > 1 || v < -1 {
			corrections = append(corrections, byte(max(v, -v)&1))
			continue
		}
		e.endBands()
		sign := uint32(1)
		if v < 0 {
			sign = 0
		}
		e.tokens = append(e.tokens, token{table: e.ac(i), symbol: byte(run<<4 | 1), bits: sign, n: 1})
		e.corrections(&corrections)
		run = 0
	}
	if run > 0 || len(corrections) > 0 {
		e.pending = append(e.pending, corrections...)
		e.emptyBand()
	}
}

func (e *encoder) corrections(c *[]byte) {
	for _, bit := range *c {
		e.raw(uint32(bit), 1)
	}
	*c = (*c)[:0]
}

func (e *encoder) emptyBand() {
	if e.empty++; e.empty == 0x7fff {
		e.endBands()
	}
}

// endBands writes the run of empty bands.
func (e *encoder) endBands() {
	if e.empty == 0 {
		return
	}
	n := bits.Len(uint(e.empty)) - 1
	e.symbol(e.s.Components[0], byte(n<<4))
	e.raw(uint32(e.empty)&(1<<n-1), n)
	e.empty = 0
	e.corrections(&e.pending)
}
