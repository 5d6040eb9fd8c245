package png

import (
	"context"
	"encoding/binary"
)

const (
	history   = 32 << 10 // how far back a distance reaches
	outBytes  = history + 96<<10
	inBytes   = 32 << 10
	inPadding = 64
	// inMargin and outMargin are what one turn of the loop may read and write beyond its
	// position: five codes and a match, rounded up to whole words.
	inMargin  = 32
	outMargin = 320

	inflaterBytes = 256 << 10 // all of it, rounded up
)

// inflater undoes RFC 1950 and 1951 as far as it is asked to. It must be reset before use.
type inflater struct {
	src idatReader

	// in holds compressed bytes; bit has the next of them, n of which count. Bits beyond n are
	// those of in at pos or 0.
	in   [inBytes + inPadding]byte
	pos  int
	end  int  // of what was read
	last bool // there is no more to read; zeros follow
	bit  uint64
	n    uint

	// out holds what was inflated, at least the last 32 KiB of it. Bytes from read to write
	// were not handed out yet.
	out         []byte
	read, write int

	block   blockKind
	blocks  int // that may still come
	final   bool
	stored  int // bytes left of a stored block
	lit     *literals
	dist    *distances
	dynamic codes // of a block that brings its own
	lengths [maxLiterals + maxDistances]uint8

	err error
}

type blockKind int

const (
	noBlock blockKind = iota
	storedBlock
	huffmanBlock
)

// reset begins a stream. row is the most bytes that next will be asked for at once, and rows
// how often.
func (z *inflater) reset(src idatReader, row, rows int) error {
	z.src, z.pos, z.end, z.last, z.bit, z.n = src, 0, 0, false, 0, 0
	z.read, z.write, z.block, z.final, z.err = 0, 0, noBlock, false, nil
	z.blocks = mostBlocks(row, rows)
	if want := outBytes + row + outMargin; len(z.out) < want {
		z.out = make([]byte, want)
	}
	z.fill()
	head := z.take(16)
	const deflate, dictionary = 8, 0x2000
	if z.err != nil || head&0xf != deflate || head>>4&0xf > 7 || (head<<8|head>>8)&0xffff%31 != 0 || head&dictionary != 0 {
		return errDeflate
	}
	return nil
}

// mostBlocks bounds the work: an encoder makes blocks of kilobytes, or ends one or two with
// each row, but an empty one takes ten bits.
func mostBlocks(row, rows int) int { return 4096 + 4*rows + row*rows/64 }

// next hands out n bytes, which hold until it is called again. The error of ctx is returned
// as it is.
func (z *inflater) next(ctx context.Context, n int) ([]byte, error) {
	for z.write-z.read < n {
		if z.err != nil {
			return nil, z.err
		}
		z.makeRoom()
		z.run(ctx)
	}
	b := z.out[z.read : z.read+n]
	z.read += n
	return b, nil
}

// makeRoom moves what is still needed to the front once there is little room behind it.
func (z *inflater) makeRoom() {
	if len(z.out)-z.write > 2*outMargin+16<<10 {
		return
	}
	from := max(min(z.read, z.write-history), 0)
	copy(z.out, z.out[from:z.write])
	z.read, z.write = z.read-from, z.write-from
}

// run inflates until out is nearly full or something is wrong.
func (z *inflater) run(ctx context.Context) {
	for z.err == nil && len(z.out)-z.write > outMargin {
		switch z.block {
		case noBlock:
			if z.final {
				z.err = errTooShort
				return
			}
			if z.blocks--; z.blocks < 0 {
				z.err = errBlocks
				return
			}
			if z.err = ctx.Err(); z.err != nil {
				return
			}
			z.header()
		case storedBlock:
			z.copyStored()
		case huffmanBlock:
			z.decode()
		}
	}
}

// fill reads on, so that at least inMargin bytes lie behind pos; zeros at the end of the
// stream.
func (z *inflater) fill() {
	if z.last || z.end-z.pos >= inMargin {
		return
	}
	copy(z.in[:], z.in[z.pos:z.end])
	z.pos, z.end = 0, z.end-z.pos
	for z.end < inBytes {
		n := z.src.read(z.in[z.end:inBytes])
		if n == 0 {
			z.last = true
			clear(z.in[z.end : z.end+inPadding])
			return
		}
		z.end += n
	}
}

// overrun tells that more bits were taken than there are.
func (z *inflater) overrun() bool { return z.pos*8-int(z.n) > z.end*8 }

// refill makes n at least 56.
func (z *inflater) refill() {
	z.bit |= binary.LittleEndian.Uint64(z.in[z.pos:]) << (z.n & 63)
	z.pos += int((63 - z.n) >> 3)
	z.n |= 56
}

// take takes up to 16 bits; those beyond the end are an error.
func (z *inflater) take(n uint) uint {
	z.fill()
	if z.pos > len(z.in)-8 {
		z.err = errCut
		return 0
	}
	z.refill()
	v := uint(z.bit) & (1<<n - 1)
	z.bit, z.n = z.bit>>n, z.n-n
	if z.overrun() {
		z.err = errCut
	}
	return v
}

// decode inflates a block until it ends or out is nearly full. It is one function, unrolled,
// since four fifths of the time that a PNG takes are spent here.
func (z *inflater) decode() {
	in, out, lit, dist := z.in[:], z.out, z.lit, z.dist
	pos, bit, n, w := z.pos, z.bit, z.n, z.write
	inLimit, outLimit := z.end-inMargin, len(out)-outMargin
	good := w // all up to here came from bits that exist
	for w <= outLimit {
		if pos > inLimit {
			z.pos, z.bit, z.n = pos, bit, n
			if z.overrun() {
				z.write, z.err = good, errCut
				return
			}
			good = w
			z.fill()
			pos, inLimit = z.pos, z.end-inMargin
		}
		bit |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
		pos += int((63 - n) >> 3)
		n |= 56
		// At least 56 bits: five codes of the table fit.
		e := lit.table[bit&(1<<literalBits-1)]
		if e&entryLiterals != 0 {
			binary.LittleEndian.PutUint16(out[w:], uint16(e>>16))
			w += int(e >> 8 & 3)
			bit, n = bit>>(e&entryBits), n-uint(e&entryBits)
			e = lit.table[bit&(1<<literalBits-1)]
			if e&entryLiterals != 0 {
				binary.LittleEndian.PutUint16(out[w:], uint16(e>>16))
				w += int(e >> 8 & 3)
				bit, n = bit>>(e&entryBits), n-uint(e&entryBits)
				e = lit.table[bit&(1<<literalBits-1)]
				if e&entryLiterals != 0 {
					binary.LittleEndian.PutUint16(out[w:], uint16(e>>16))
					w += int(e >> 8 & 3)
					bit, n = bit>>(e&entryBits), n-uint(e&entryBits)
					e = lit.table[bit&(1<<literalBits-1)]
				}
			}
		}
		bit, n = bit>>(e&entryBits), n-uint(e&entryBits)
		if e&entryLiterals != 0 {
			binary.LittleEndian.PutUint16(out[w:], uint16(e>>16))
			w += int(e >> 8 & 3)
			continue
		}
		if e&entryKind == entryLong {
			symbol, length := lit.find(bit)
			e = literalEntry(symbol)
			if length == 0 {
				e = entryNone
			}
			bit, n = bit>>(length&63), n-uint(length)
			if e&entryLiterals != 0 {
				out[w] = byte(e >> 16)
				w++
				continue
			}
		}
		if e&entryKind != entryLength {
			z.pos, z.bit, z.n, z.write = pos, bit, n, w
			z.block = noBlock
			switch {
			case z.overrun():
				z.write, z.err = good, errCut
			case e&entryKind == entryNone:
				z.err = errDeflate
			}
			return
		}
		// Four codes took 4 x 15 bits at most, and here come up to 5 + 15 + 13 more.
		bit |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
		pos += int((63 - n) >> 3)
		n |= 56
		extra := e >> 12 & 15
		length := int(e>>16) + int(bit&(1<<extra-1))
		bit, n = bit>>extra, n-uint(extra)
		e = dist.table[bit&(1<<distanceBits-1)]
		if e&entryKind == entryLong {
			symbol, size := dist.find(bit)
			e = distanceEntry(symbol) | uint32(size)
			if size == 0 {
				e = entryNone
			}
		}
		bit, n = bit>>(e&entryBits), n-uint(e&entryBits)
		extra = e >> 12 & 15
		distance := 1 + int(e>>16) + int(bit&(1<<extra-1))
		bit, n = bit>>extra, n-uint(extra)
		if e&entryKind != entryLength || distance > w {
			z.pos, z.bit, z.n, z.write, z.err = pos, bit, n, w, errDeflate
			if z.overrun() {
				z.write = good
			}
			return
		}
		copyMatch(out, w, distance, length)
		w += length
	}
	z.pos, z.bit, z.n, z.write = pos, bit, n, w
	if z.overrun() {
		z.write, z.err = good, errCut
	}
}

// copyMatch repeats length bytes from distance bytes before at, mostly a few. It may write up
// to 7 bytes beyond, which outMargin allows for.
func copyMatch(out []byte, at, distance, length int) {
	dst, src := out[at:at+length+8], out[at-distance:at+length+8]
	if distance < 8 {
		for i := range length {
			dst[i] = src[i]
		}
		return
	}
	for len(dst) > 8 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src))
		dst, src = dst[8:], src[8:]
	}
}
