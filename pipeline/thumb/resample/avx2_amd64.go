//go:build !purego

package resample

// The rows that one pass across takes, and the columns that one step of the pass down makes.
const (
	tile = 16
	step = 32
)

// avx2 filters in vector instructions. Samples stay bytes: the columns' filter works on
// 32 neighbours at a time, and for the rows' filter 16 rows are transposed, so
// that its samples are neighbours too. Sums have 32 bits, so every result is that of swar.
type avx2 struct {
	stride  int    // bytes per kept row: the width, rounded up to steps
	kept    []byte // rows by slot
	middle  []byte // 16 rows after the pass down
	columns []byte // the same transposed: 16 bytes per column
	made    []byte // destination columns of 16 bytes
	rows    []byte // the same transposed back: 16 rows
	offsets []int  // in kept, of the rows under the filter
	fx      *filter
}

func (a *avx2) reset(width, slots int, fx *filter) {
	a.fx = fx
	a.stride = roundUp(width, step)
	a.kept = grown(a.kept, slots*a.stride)
	a.middle = grown(a.middle, tile*a.stride)
	// The window of a source narrower than it runs over the end, under coefficients of zero.
	a.columns = grown(a.columns, tile*max(a.stride, fx.taps))
	dest := roundUp(len(fx.start), tile)
	a.made = grown(a.made, tile*dest)
	a.rows = grown(a.rows, tile*dest)
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

func (a *avx2) keep(slot int, row []byte) { copy(a.kept[slot*a.stride:][:a.stride], row) }

func (a *avx2) lanes() int { return tile }

func (a *avx2) down(slots []int, coef []int16, lane int) {
	a.offsets = a.offsets[:0]
	for _, slot := range slots {
		a.offsets = append(a.offsets, slot*a.stride)
	}
	row := a.middle[lane*a.stride:][:a.stride]
	filterColumns(&row[0], &a.kept[0], &a.offsets[0], &coef[0], len(coef)/2, a.stride/step)
}

func (a *avx2) across(dst [][]byte) {
	transpose(&a.columns[0], tile, tile*tile, &a.middle[0], a.stride, tile, a.stride/tile)
	start := a.fx.start
	// The windows end within the columns: starts never fall, so the last one tells.
	_ = a.columns[tile*(int(start[len(start)-1])+a.fx.taps)-1]
	filterRows(&a.made[0], &a.columns[0], &start[0], &a.fx.coef[0], a.fx.taps/2, len(start))
	stride := roundUp(len(start), tile)
	transpose(&a.rows[0], stride, tile, &a.made[0], tile, tile*tile, stride/tile)
	for i, row := range dst {
		copy(row, a.rows[i*stride:])
	}
}

// filterColumns makes 32*steps samples of a row, each the sum of 2*pairs samples above each
// other, those at rows + offsets[k], times coef[k].
//
//go:noescape
func filterColumns(dst, rows *byte, offsets *int, coef *int16, pairs, steps int)

// filterRows makes count columns of 16 samples, each the sum of 2*pairs columns of
// src from start[x] on, times 2*pairs coefficients from coef[2*pairs*x] on.
//
//go:noescape
func filterRows(dst, src *byte, start *int32, coef *int16, pairs, count int)

// transpose turns lines of 16 bytes, srcStride apart, into 16 columns, which are lines
// dstStride apart; then it goes on srcStep and dstStep further, tiles times in all.
//
//go:noescape
func transpose(dst *byte, dstStride, dstStep int, src *byte, srcStride, srcStep, tiles int)
