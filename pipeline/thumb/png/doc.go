// Package png reads PNG files (W3C PNG, third edition; ISO/IEC 15948) row by row, so that a
// thumbnail of a large one never holds it whole.
//
// [ReadHeader] walks the chunks without inflating pixels, so that a caller knows what a file
// would cost before it allocates anything. [Decoder.Decode] inflates (RFC 1950 and 1951),
// undoes the filters and hands out rows of 8-bit grey or RGB, with or without straight alpha,
// to a sink, from top to bottom. [Shrinker] averages rows into smaller ones. Of an animated
// PNG it reads the default image.
//
// The bytes are a stranger's: every chunk's CRC is checked, tables must be complete, no more
// is inflated than the rows take, and out of no more blocks than they can need. Interlaced
// files are refused with [ErrUnsupported]: they need the whole image in memory, for which the
// standard library is good enough.
//
// It takes whatever else image/png takes, with the same pixels, and besides files that are
// broken behind the last row: a wrong Adler-32 (the CRC of the chunks says the same), more
// rows than the header announced, or a compressed stream without an end.
//
// The package imports the standard library only and starts no goroutine.
package png
