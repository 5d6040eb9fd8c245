package jpeg

import "encoding/binary"

// The functions here decode one block each or a part of one. They work on copies of the
// fields acc, count and next. A refill is a load of eight bytes that leaves 56 bits or
// more; a code and its value have 31 at most, a look-up in a table sees fewer.

// failed is the index that stands for a block that cannot be.
const failed = -1

// dc decodes the difference of a DC coefficient (F.2.2.1). The caller has called ready.
func (r *reader) dc(t *dcTable) (diff int32, ok bool) {
	acc, count := r.acc, r.count
	if count < 32 {
		acc |= binary.BigEndian.Uint64(r.window[r.next:]) >> (count & 63)
		r.next += int((63 - count) >> 3)
		count |= 56
	}
	e := t.value[acc>>(64-valueBits)]
	used := uint(e & 63)
	if e&slowEntry == 0 {
		r.acc, r.count = acc<<used, count-used
		return int32(e) >> 16, true
	}
	size := uint(e >> 16)
	if used == 0 {
		length, symbol := t.find(acc)
		if length == 0 {
			return 0, false
		}
		used, size = length, uint(symbol)
	}
	acc <<= used & 63
	if size > 0 {
		diff = extend(int32(acc>>(64-size)), size)
	}
	r.acc, r.count = acc<<(size&63), count-used-size
	return diff, true
}

// ac decodes the AC coefficients of a block up to the index limit in zigzag order and puts
// them, multiplied by their steps, where place says. It gives the index of the last
// coefficient that is not zero, or an index above it, and the index to go on with: 64 for
// a block that has ended.
func (r *reader) ac(t *acTable, block *[64]int32, step *[64]int32, place *[64]uint8, limit int) (last, k int) {
	acc, count, next, window := r.acc, r.count, r.next, r.window
	k = 1
	for k < limit {
		if count < valueBits {
			acc |= binary.BigEndian.Uint64(window[next:]) >> (count & 63)
			next += int((63 - count) >> 3)
			count |= 56
		}
		e := t.value[acc>>(64-valueBits)]
		used := uint(e & 63)
		value := int32(e) >> 16
		acc <<= used
		count -= used
		k += int(e >> 8 & 127)
		if e&slowEntry != 0 {
			// All that is wanted is 31 bits.
			acc |= binary.BigEndian.Uint64(window[next:]) >> (count & 63)
			next += int((63 - count) >> 3)
			count |= 56
			size := uint(value)
			if used == 0 {
				length, symbol := t.find(acc)
				if length == 0 {
					return 0, failed
				}
				acc <<= length & 63
				count -= length
				size = uint(symbol & 15)
				k += int(symbol >> 4)
				if size == 0 && symbol>>4 < 15 {
					k = endOfBlock + 1
				}
			}
			value = extend(int32(acc>>1>>(63-size)), size)
			acc <<= size & 63
			count -= size
		}
		if k > 63 {
			if k <= endOfBlock {
				return 0, failed
			}
			k = 64
			break
		}
		block[place[k]&63] = value * step[k]
		last = k
		k++
	}
	r.acc, r.count, r.next = acc, count, next
	return last, k
}

// skip passes over the AC coefficients of a block from index k on.
func (r *reader) skip(t *acTable, k int) bool {
	acc, count, next, window := r.acc, r.count, r.next, r.window
	for k < 64 {
		// Always, for a branch that is taken now and then costs more than the load. Only the
		// low six bits of count mean anything here: whole entries are taken from it.
		acc |= binary.BigEndian.Uint64(window[next:]) >> (count & 63)
		next += int((63 - count) >> 3 & 7)
		count |= 56
		e := uint(t.skip[acc>>(64-skipBits)])
		to := k + int(e>>6)
		if to < 64 {
			k = to
			acc <<= e & 63
			count -= e
			e = uint(t.skip[acc>>(64-skipBits)])
			to = k + int(e>>6)
		}
		if to >= 64 && (to < skipEnd || to >= skipEnd+64) {
			// The block may end within the bits, by its last coefficient: one code alone.
			length, symbol := t.find(acc)
			if length == 0 {
				return false
			}
			e = length + uint(symbol&15)
			to = k + int(symbol>>4) + 1
			if symbol&15 == 0 && symbol>>4 < 15 {
				to = skipEnd
			} else if to > 64 {
				return false
			}
		}
		acc <<= e & 63
		count -= e
		k = to
	}
	r.acc, r.count, r.next = acc, count&63, next
	return true
}

// bits gives the next n bits, 0..16, of those that take made sure of.
func (r *reader) bits(n uint) uint32 {
	v := uint32(r.acc >> 1 >> (63 - n))
	r.acc <<= n & 63
	r.count -= n
	return v
}

// load makes sure of 32 bits.
func (r *reader) load() {
	if r.count < 32 {
		r.acc |= binary.BigEndian.Uint64(r.window[r.next:]) >> (r.count & 63)
		r.next += int((63 - r.count) >> 3)
		r.count |= 56
	}
}

// first decodes the coefficients of a block in the first scan of a band and gives their
// mask by zigzag index, and for how many blocks more the band is empty; a negative number
// for a block that cannot be.
func (r *reader) first(t *firstTable, s *scan, coef []int16, place *[64]uint8) (mask uint64, run int) {
	acc, count, next := r.acc, r.count, r.next
	for k := s.from; k <= s.to; k++ {
		if count < 32 {
			acc |= binary.BigEndian.Uint64(r.window[next:]) >> (count & 63)
			next += int((63 - count) >> 3)
			count |= 56
		}
		e := t.value[acc>>(64-valueBits)]
		used, zeros := uint(e&63), int(e>>8&127)
		value := int32(e) >> 16
		if e&slowEntry != 0 {
			size := uint(e >> 16)
			if used == 0 {
				length, symbol := t.find(acc)
				if length == 0 {
					return 0, failed
				}
				used, size, zeros = length, uint(symbol&15), int(symbol>>4)
			}
			acc <<= used & 63
			count -= used
			used = size
			switch {
			case size > 0:
				value = extend(int32(acc>>(64-size)), size)
			case zeros < 15:
				run = 1<<zeros - 1 + int(acc>>1>>(63-zeros))
				r.acc, r.count, r.next = acc<<zeros, count-uint(zeros), next
				return mask, run
			default:
				value = 0
			}
		}
		acc <<= used & 63
		count -= used
		k += zeros
		if k > s.to {
			return 0, failed
		}
		if value == 0 {
			continue
		}
		mask |= 1 << k
		if p := int(place[k&63]); p < len(coef) {
			coef[p] = int16(value << s.low)
		}
	}
	r.acc, r.count, r.next = acc, count, next
	return mask, 0
}
