package resample

// blockSpan is the ratio up to which the filter works on the samples themselves. Above it,
// blocks of them are averaged first so that between half of it and all of it is left:
// there, the average changes what the thumbnail can show by less than 3 %.
const blockSpan = 8

// blocks averages blocks of width x height source samples into one. What a block at the right
// or lower border lacks is filled with the outermost samples.
type blocks struct {
	width, height int      // 1 and 1: no blocks at all
	rest          int      // source rows that are still to come
	have          int      // source rows in the sums
	sums          []uint64 // per block of one row of blocks
	row           []byte
}

// reset prepares for a source of axes x and y, and returns those of the averaged one.
func (b *blocks) reset(x, y Axis) (bx, by Axis) {
	b.width, bx = averaged(x)
	b.height, by = averaged(y)
	b.rest, b.have = y.Source, 0
	if b.some() {
		b.sums, b.row = grown(b.sums, bx.Source), grown(b.row, bx.Source)
		clear(b.sums)
	}
	return bx, by
}

// averaged returns the side of a block along an axis, and the axis in blocks.
func averaged(a Axis) (side int, in Axis) {
	if a.Ratio <= blockSpan {
		return 1, a
	}
	side = int(a.Ratio / (blockSpan / 2))
	return side, Axis{
		Source: (a.Source + side - 1) / side,
		Dest:   a.Dest,
		Ratio:  a.Ratio / float64(side),
		Offset: a.Offset / float64(side),
	}
}

func (b *blocks) some() bool { return b.width > 1 || b.height > 1 }

// add takes a source row and returns a row of averages, or nil as long as blocks are not whole.
func (b *blocks) add(row []byte) []byte {
	b.rest--
	b.have++
	times := uint64(1)
	if b.rest == 0 {
		times += uint64(b.height - b.have)
		b.have = b.height
	}
	for i := range b.sums {
		part := row[:min(b.width, len(row))]
		row = row[len(part):]
		sum := uint64(0)
		for _, v := range part {
			sum += uint64(v)
		}
		sum += uint64(b.width-len(part)) * uint64(part[len(part)-1])
		b.sums[i] += sum * times
	}
	if b.have < b.height {
		return nil
	}
	b.have = 0
	area := uint64(b.width) * uint64(b.height)
	for i, v := range b.sums {
		b.row[i] = byte((v + area/2) / area)
	}
	clear(b.sums)
	return b.row
}
