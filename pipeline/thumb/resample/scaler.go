package resample

import "fmt"

// A Scaler scales one plane at a time. It keeps its buffers for the next one, so that in the
// steady state nothing is allocated. It is not safe for concurrent use.
type Scaler struct {
	filters *Filters
	passes  passes
	width   int // source samples in a row
	height  int // source rows
	blocks  blocks
	x, y    Axis // of what the filters see: the source, or averages of it
	fx, fy  *filter
	dst     Plane
	came    int      // source rows that came
	fed     int      // rows that the columns' filter was given
	out     int      // destination rows that passed the columns' filter
	done    int      // destination rows that are written
	slots   []int    // of the rows under the columns' filter
	rows    [][]byte // of the destination, that one pass along the rows writes
}

// passes filters along both axes. Its two makes, one in plain Go and one in vector
// instructions, give the same samples, bit for bit.
type passes interface {
	// reset prepares for source rows of width samples, of which up to slots are kept.
	reset(width, slots int, fx *filter)
	// keep copies a source row into a slot.
	keep(slot int, row []byte)
	// down filters the kept rows in slots by coef, a multiple of two of both, into row lane.
	down(slots []int, coef []int16, lane int)
	// lanes is the number of rows that across takes at once.
	lanes() int
	// across filters the rows that down made, from lane 0 on, along the rows into dst.
	across(dst [][]byte)
}

// New returns a Scaler that shares filters with others; nil means filters of its own.
func New(filters *Filters) *Scaler {
	if filters == nil {
		filters = new(Filters)
	}
	return &Scaler{filters: filters, passes: newPasses()}
}

// Reset prepares for a plane of x.Source columns and y.Source rows that is to be scaled into
// dst, of x.Dest columns and y.Dest rows. dst is kept until the last row is written.
// The error is [ErrGeometry].
func (s *Scaler) Reset(x, y Axis, dst Plane) error {
	var err error
	if x, err = x.normal(); err != nil {
		return err
	}
	if y, err = y.normal(); err != nil {
		return err
	}
	if err = dst.check(); err != nil {
		return err
	}
	if dst.Width != x.Dest || dst.Height != y.Dest {
		return fmt.Errorf("%w: plane of %d x %d for %d x %d samples",
			ErrGeometry, dst.Width, dst.Height, x.Dest, y.Dest)
	}
	s.width, s.height, s.dst = x.Source, y.Source, dst
	s.x, s.y = s.blocks.reset(x, y)
	s.fx, s.fy = s.filters.find(s.x), s.filters.find(s.y)
	s.came, s.fed, s.out, s.done = 0, 0, 0, 0
	s.passes.reset(s.x.Source, s.keeps(), s.fx)
	return nil
}

// Rows takes the next n source rows: row i is the first x.Source bytes of pix[i*stride:]. A
// stride of 0 repeats one row, as for what a truncated file does not have. Rows
// beyond y.Source are ignored. It panics, like a slice expression, where pix is too short.
func (s *Scaler) Rows(pix []byte, stride, n int) {
	n = min(n, s.height-s.came)
	s.came += n
	for i := 0; i < n && s.out < s.dst.Height; i++ {
		row := pix[i*stride:][:s.width]
		if s.blocks.some() {
			row = s.blocks.add(row)
		}
		if row != nil {
			s.feed(row)
		}
	}
}

// feed gives a row to the columns' filter and makes every destination row that it completes.
func (s *Scaler) feed(row []byte) {
	if s.fed >= int(s.fy.start[s.out]) {
		s.passes.keep(s.fed%s.keeps(), row)
	}
	s.fed++
	for s.out < s.dst.Height && s.fed >= min(int(s.fy.start[s.out])+s.fy.taps, s.y.Source) {
		s.down()
		s.out++
		if s.out-s.done == s.passes.lanes() || s.out == s.dst.Height {
			s.across()
		}
	}
}

// Done returns how many destination rows are written. After y.Source rows that is all of them.
func (s *Scaler) Done() int { return s.done }

// keeps is the number of source rows that are kept.
func (s *Scaler) keeps() int { return min(s.fy.taps, s.y.Source) }

// down runs the columns' filter for the next destination row.
func (s *Scaler) down() {
	coef := s.fy.row(s.out)
	for len(coef) > 2 && coef[len(coef)-1] == 0 && coef[len(coef)-2] == 0 {
		coef = coef[:len(coef)-2]
	}
	start := int(s.fy.start[s.out])
	s.slots = s.slots[:0]
	for k := range coef {
		// Beyond the last row the coefficient is zero and any row will do.
		s.slots = append(s.slots, min(start+k, s.y.Source-1)%s.keeps())
	}
	s.passes.down(s.slots, coef, s.out-s.done)
}

// across runs the rows' filter for the destination rows that went down.
func (s *Scaler) across() {
	s.rows = s.rows[:0]
	for ; s.done < s.out; s.done++ {
		s.rows = append(s.rows, s.dst.Row(s.done))
	}
	s.passes.across(s.rows)
}
