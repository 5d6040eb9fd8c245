//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// A PAIR is a constant of two words, eight times: VPMADDWD multiplies two neighbours by
// it and adds the products.
#define PAIR(name, quad) \
	DATA name<>+0(SB)/8, $quad \
	DATA name<>+8(SB)/8, $quad \
	DATA name<>+16(SB)/8, $quad \
	DATA name<>+24(SB)/8, $quad \
	GLOBL name<>(SB), RODATA|NOPTR, $32

// The constants of fdct.go: first for (e3, e2), then, with those of the factorisation
// multiplied out, for (s7, s6) and (s5, s4).
PAIR(even2, 0x115129cf115129cf) // 10703, 4433
PAIR(even6, 0xd6311151d6311151) // 4433, -10703
PAIR(odd1a, 0x25a12c6325a12c63) // 11363, 9633
PAIR(odd1b, 0x08d4192508d41925) // 6437, 2260
PAIR(odd3a, 0xf72d25a1f72d25a1) // 9633, -2259
PAIR(odd3b, 0xe6dcd39ee6dcd39e) // -11362, -6436
PAIR(odd5a, 0xd39e1925d39e1925) // 6437, -11362
PAIR(odd5b, 0x25a108d525a108d5) // 2261, 9633
PAIR(odd7a, 0xe6dc08d4e6dc08d4) // 2260, -6436
PAIR(odd7b, 0xd39d25a1d39d25a1) // 9633, -11363

// What rounds, and the level of 128 in the sum of eight samples.
PAIR(roundRow, 0x0000040000000400)
PAIR(roundColumn, 0x0000400000004000)
PAIR(roundDC, 0x0002000200020002)
PAIR(level, 0x0400040004000400)

// RIFFLE interleaves the first four registers with the last four. Done three times, it
// transposes 8 x 8 words, in each half of the registers.
#define RIFFLE(a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7) \
	VPUNPCKLWD a4, a0, b0 \
	VPUNPCKHWD a4, a0, b1 \
	VPUNPCKLWD a5, a1, b2 \
	VPUNPCKHWD a5, a1, b3 \
	VPUNPCKLWD a6, a2, b4 \
	VPUNPCKHWD a6, a2, b5 \
	VPUNPCKLWD a7, a3, b6 \
	VPUNPCKHWD a7, a3, b7

#define RIFFLE_DOWN \
	RIFFLE(Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7)
#define RIFFLE_UP \
	RIFFLE(Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15)

// SUMS makes the sums and differences of a pass over Y0-Y7: s7, s6, s5 and s4 in Y8-Y11, e3
// and e2 in Y5 and Y7, e0+e1 and e0-e1 in Y0 and Y4.
#define SUMS \
	VPSUBW Y7, Y0, Y8 \
	VPSUBW Y6, Y1, Y9 \
	VPSUBW Y5, Y2, Y10 \
	VPSUBW Y4, Y3, Y11 \
	VPADDW Y7, Y0, Y0 \
	VPADDW Y6, Y1, Y1 \
	VPADDW Y5, Y2, Y2 \
	VPADDW Y4, Y3, Y3 \
	VPADDW Y3, Y0, Y4 \
	VPSUBW Y3, Y0, Y5 \
	VPADDW Y2, Y1, Y6 \
	VPSUBW Y2, Y1, Y7 \
	VPADDW Y6, Y4, Y0 \
	VPSUBW Y6, Y4, Y4

#define EVEN(coef, round, shift, out) \
	VPMADDWD coef<>(SB), Y12, Y14 \
	VPMADDWD coef<>(SB), Y13, Y15 \
	VPADDD round<>(SB), Y14, Y14 \
	VPADDD round<>(SB), Y15, Y15 \
	VPSRAD $shift, Y14, Y14 \
	VPSRAD $shift, Y15, Y15 \
	VPACKSSDW Y15, Y14, out

#define ODD(coefA, coefB, round, shift, out) \
	VPMADDWD coefA<>(SB), Y12, Y8 \
	VPMADDWD coefA<>(SB), Y13, Y9 \
	VPMADDWD coefB<>(SB), Y14, Y10 \
	VPMADDWD coefB<>(SB), Y15, Y11 \
	VPADDD Y10, Y8, Y8 \
	VPADDD Y11, Y9, Y9 \
	VPADDD round<>(SB), Y8, Y8 \
	VPADDD round<>(SB), Y9, Y9 \
	VPSRAD $shift, Y8, Y8 \
	VPSRAD $shift, Y9, Y9 \
	VPACKSSDW Y9, Y8, out

// PRODUCTS makes all of a pass that needs multiplications.
#define PRODUCTS(round, shift) \
	VPUNPCKLWD Y7, Y5, Y12 \
	VPUNPCKHWD Y7, Y5, Y13 \
	EVEN(even2, round, shift, Y2) \
	EVEN(even6, round, shift, Y6) \
	VPUNPCKLWD Y9, Y8, Y12 \
	VPUNPCKHWD Y9, Y8, Y13 \
	VPUNPCKLWD Y11, Y10, Y14 \
	VPUNPCKHWD Y11, Y10, Y15 \
	ODD(odd1a, odd1b, round, shift, Y1) \
	ODD(odd3a, odd3b, round, shift, Y3) \
	ODD(odd5a, odd5b, round, shift, Y5) \
	ODD(odd7a, odd7b, round, shift, Y7)

// LOAD reads a row of both blocks as words.
#define LOAD(x, y) \
	VMOVQ (SI), x \
	VPINSRQ $1, (R9), x, x \
	VPMOVZXBW x, y \
	ADDQ R8, SI \
	ADDQ R10, R9

// DIVIDE quantises a row of both blocks, as quantTable.divide does.
#define DIVIDE(row, x, y) \
	VPABSW y, Y8 \
	VBROADCASTI128 quantTable_half+16*row(DX), Y9 \
	VPADDW Y9, Y8, Y8 \
	VBROADCASTI128 quantTable_factor+16*row(DX), Y9 \
	VPMULHUW Y9, Y8, Y8 \
	VBROADCASTI128 quantTable_scale+16*row(DX), Y9 \
	VPMULHUW Y9, Y8, Y8 \
	VPSIGNW y, Y8, y \
	VMOVDQU x, 16*row(DI) \
	VEXTRACTI128 $1, y, 128+16*row(DI)

// MASK gathers in AX and BX which coefficients of two rows are zero.
#define MASK(lower, upper, shift) \
	VPACKSSWB upper, lower, Y8 \
	VPCMPEQB Y15, Y8, Y8 \
	VPMOVMSKB Y8, CX \
	MOVWQZX CX, R11 \
	SHRQ $16, CX \
	SHLQ $shift, R11 \
	SHLQ $shift, CX \
	ORQ R11, AX \
	ORQ CX, BX

// func transformAVX2(coef *[2][64]int16, a *byte, strideA int, b *byte, strideB int, q *quantTable) (maskA, maskB uint64)
TEXT ·transformAVX2(SB), NOSPLIT, $0-64
	MOVQ coef+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ strideA+16(FP), R8
	MOVQ b+24(FP), R9
	MOVQ strideB+32(FP), R10
	MOVQ q+40(FP), DX
	LOAD(X8, Y8)
	LOAD(X9, Y9)
	LOAD(X10, Y10)
	LOAD(X11, Y11)
	LOAD(X12, Y12)
	LOAD(X13, Y13)
	LOAD(X14, Y14)
	LOAD(X15, Y15)

	// Rows: a register has a column.
	RIFFLE_DOWN
	RIFFLE_UP
	RIFFLE_DOWN
	SUMS
	VPSUBW level<>(SB), Y0, Y0
	VPSLLW $2, Y0, Y0
	VPSLLW $2, Y4, Y4
	PRODUCTS(roundRow, 11)

	// Columns: a register has a row.
	RIFFLE_UP
	RIFFLE_DOWN
	RIFFLE_UP
	VMOVDQA Y8, Y0
	VMOVDQA Y9, Y1
	VMOVDQA Y10, Y2
	VMOVDQA Y11, Y3
	VMOVDQA Y12, Y4
	VMOVDQA Y13, Y5
	VMOVDQA Y14, Y6
	VMOVDQA Y15, Y7
	SUMS
	VPADDW roundDC<>(SB), Y0, Y0
	VPADDW roundDC<>(SB), Y4, Y4
	VPSRAW $2, Y0, Y0
	VPSRAW $2, Y4, Y4
	PRODUCTS(roundColumn, 15)

	DIVIDE(0, X0, Y0)
	DIVIDE(1, X1, Y1)
	DIVIDE(2, X2, Y2)
	DIVIDE(3, X3, Y3)
	DIVIDE(4, X4, Y4)
	DIVIDE(5, X5, Y5)
	DIVIDE(6, X6, Y6)
	DIVIDE(7, X7, Y7)

	VPXOR Y15, Y15, Y15
	XORQ AX, AX
	XORQ BX, BX
	MASK(Y0, Y1, 0)
	MASK(Y2, Y3, 16)
	MASK(Y4, Y5, 32)
	MASK(Y6, Y7, 48)
	NOTQ AX
	NOTQ BX
	MOVQ AX, maskA+48(FP)
	MOVQ BX, maskB+56(FP)
	VZEROUPPER
	RET
