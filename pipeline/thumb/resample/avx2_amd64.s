//go:build !purego

#include "textflag.h"

// Two samples that a pair of coefficients multiplies sit side by side as words, so that
// VPMADDWD makes both products and their sum. Y14 rounds, Y15 is zero.
#define ROUND(bits) \
	MOVL $1<<(bits-1), AX \
	VMOVD AX, X14 \
	VPBROADCASTD X14, Y14

#define COEF_BITS 11

// func filterColumns(dst, rows *byte, offsets *int, coef *int16, pairs, steps int)
TEXT ·filterColumns(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ rows+8(FP), SI
	MOVQ offsets+16(FP), R8
	MOVQ coef+24(FP), R9
	MOVQ pairs+32(FP), R12
	MOVQ steps+40(FP), R13
	ROUND(COEF_BITS)
	VPXOR Y15, Y15, Y15

columns:
	VMOVDQA Y14, Y0 // columns 0-3 and 16-19
	VMOVDQA Y14, Y1 // 4-7 and 20-23
	VMOVDQA Y14, Y2 // 8-11 and 24-27
	VMOVDQA Y14, Y3 // 12-15 and 28-31
	MOVQ R8, R10
	MOVQ R9, R11
	MOVQ R12, CX

pair:
	MOVQ (R10), AX
	MOVQ 8(R10), DX
	VMOVDQU (SI)(AX*1), Y4
	VMOVDQU (SI)(DX*1), Y5
	VPBROADCASTD (R11), Y6
	VPUNPCKLBW Y5, Y4, Y7
	VPUNPCKHBW Y5, Y4, Y8
	VPUNPCKLBW Y15, Y7, Y9
	VPUNPCKHBW Y15, Y7, Y10
	VPUNPCKLBW Y15, Y8, Y11
	VPUNPCKHBW Y15, Y8, Y12
	VPMADDWD Y6, Y9, Y9
	VPMADDWD Y6, Y10, Y10
	VPMADDWD Y6, Y11, Y11
	VPMADDWD Y6, Y12, Y12
	VPADDD Y9, Y0, Y0
	VPADDD Y10, Y1, Y1
	VPADDD Y11, Y2, Y2
	VPADDD Y12, Y3, Y3
	ADDQ $16, R10
	ADDQ $4, R11
	DECQ CX
	JNZ pair

	VPSRAD $COEF_BITS, Y0, Y0
	VPSRAD $COEF_BITS, Y1, Y1
	VPSRAD $COEF_BITS, Y2, Y2
	VPSRAD $COEF_BITS, Y3, Y3
	VPACKSSDW Y1, Y0, Y0
	VPACKSSDW Y3, Y2, Y2
	VPACKUSWB Y2, Y0, Y0 // clamps, and all columns are in order again
	VMOVDQU Y0, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	DECQ R13
	JNZ columns
	VZEROUPPER
	RET

// func filterRows(dst, src *byte, start *int32, coef *int16, pairs, count int)
TEXT ·filterRows(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ start+16(FP), R8
	MOVQ coef+24(FP), R9
	MOVQ pairs+32(FP), R12
	MOVQ count+40(FP), R13
	ROUND(COEF_BITS)

sample:
	MOVLQSX (R8), R10
	SHLQ $4, R10
	ADDQ SI, R10
	VMOVDQA Y14, Y0 // rows 0-7
	VMOVDQA Y14, Y1 // rows 8-15
	MOVQ R12, CX

taps:
	VMOVDQU (R10), X4
	VPBROADCASTD (R9), Y6
	VPUNPCKLBW 16(R10), X4, X5
	VPUNPCKHBW 16(R10), X4, X4
	VPMOVZXBW X5, Y5
	VPMOVZXBW X4, Y4
	VPMADDWD Y6, Y5, Y5
	VPMADDWD Y6, Y4, Y4
	VPADDD Y5, Y0, Y0
	VPADDD Y4, Y1, Y1
	ADDQ $32, R10
	ADDQ $4, R9
	DECQ CX
	JNZ taps

	VPSRAD $COEF_BITS, Y0, Y0
	VPSRAD $COEF_BITS, Y1, Y1
	VPACKSSDW Y1, Y0, Y0 // rows 0-3, 8-11, 4-7, 12-15
	VPERMQ $0xd8, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPACKUSWB X1, X0, X0
	VMOVDQU X0, (DI)
	ADDQ $4, R8
	ADDQ $16, DI
	DECQ R13
	JNZ sample
	VZEROUPPER
	RET

// LINES loads line i into the lower half of a register and line i+8, at R10, into the upper.
#define LINES(x, y) \
	VMOVDQU (R9), x \
	VINSERTI128 $1, (R10), y, y \
	ADDQ R12, R9 \
	ADDQ R12, R10

// RIFFLE interleaves the first four registers with the last four. Done three times, it
// brings the eight bytes of a column together.
#define RIFFLE(a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7) \
	VPUNPCKLBW a4, a0, b0 \
	VPUNPCKHBW a4, a0, b1 \
	VPUNPCKLBW a5, a1, b2 \
	VPUNPCKHBW a5, a1, b3 \
	VPUNPCKLBW a6, a2, b4 \
	VPUNPCKHBW a6, a2, b5 \
	VPUNPCKLBW a7, a3, b6 \
	VPUNPCKHBW a7, a3, b7

// COLUMNS joins the halves of two columns and stores them as lines.
#define COLUMNS(x, y) \
	VPERMQ $0xd8, y, y \
	VMOVDQU x, (R11) \
	VEXTRACTI128 $1, y, (R11)(R8*1) \
	LEAQ (R11)(R8*2), R11

// func transpose(dst *byte, dstStride, dstStep int, src *byte, srcStride, srcStep, tiles int)
TEXT ·transpose(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ dstStride+8(FP), R8
	MOVQ src+24(FP), SI
	MOVQ srcStride+32(FP), R12
	MOVQ tiles+48(FP), CX

tile:
	MOVQ SI, R9
	LEAQ (SI)(R12*8), R10
	LINES(X0, Y0)
	LINES(X1, Y1)
	LINES(X2, Y2)
	LINES(X3, Y3)
	LINES(X4, Y4)
	LINES(X5, Y5)
	LINES(X6, Y6)
	LINES(X7, Y7)
	RIFFLE(Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15)
	RIFFLE(Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7)
	RIFFLE(Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15)
	MOVQ DI, R11
	COLUMNS(X8, Y8)
	COLUMNS(X9, Y9)
	COLUMNS(X10, Y10)
	COLUMNS(X11, Y11)
	COLUMNS(X12, Y12)
	COLUMNS(X13, Y13)
	COLUMNS(X14, Y14)
	COLUMNS(X15, Y15)
	ADDQ dstStep+16(FP), DI
	ADDQ srcStep+40(FP), SI
	DECQ CX
	JNZ tile
	VZEROUPPER
	RET
