// Package jpeg reads and writes the JPEG files that a thumbnail needs, and nothing more.
//
// The decoder takes 8-bit baseline, extended sequential and progressive Huffman files
// (ITU-T T.81 processes 1, 2 and their progressive kin) and delivers planes of samples at
// 1/8, 1/4, 1/2 or full size, in the sampling and the colour model of the file: it
// neither upsamples nor converts colours. [ReadHeader] walks the markers without decoding,
// so that a caller knows what a file would cost ([Header.Memory]) before it allocates
// anything; [Decoder.Decode] then hands [Band]s of whole MCU rows to a sink, from top to
// bottom. The bytes are a stranger's: every table and segment is checked, the work is
// bounded in proportion to the pixels, and the context is looked at all the time.
//
// The encoder turns small planes back into a baseline file. Its transform is in vector
// instructions on amd64 with AVX2, and in plain Go elsewhere and with the build tag purego;
// both give the same bytes.
//
// Words follow T.81: a component is one plane of the image; a block is 8 x 8 samples of
// one component; an MCU is the smallest group of interleaved blocks; a scan is one pass
// over some components. Section numbers in comments are those of T.81.
//
// The package starts no goroutine. On amd64 with AVX2 some transforms run on vectors, with
// scalar twins elsewhere and under the build tag purego that give the same bits; nothing
// but golang.org/x/sys/cpu, which tells, is imported from outside the standard library.
package jpeg
