// Package jpegtest writes JPEG files of every shape out of quantised coefficients: any
// sampling, sequential or progressive, any script of scans, with restarts, late heights,
// fill bytes and the segments that say what the samples mean. The same coefficients in two
// shapes must decode to the same samples, and since the coefficients are known, so are
// they.
//
// Its Huffman tables are made for each scan with codes of 2 to 16 bits, so that decoders go
// all their ways. It is for tests, trusts its callers and panics where they ask for the
// impossible.
package jpegtest
