// Package resample scales planes of 8-bit samples with a Lanczos filter of three lobes, as
// the rows of the source come in.
//
// A [Scaler] takes the rows of one plane in portions of any number ([Scaler.Rows]) and
// writes each destination row as soon as the source rows under its filter are there. It keeps
// only those source rows: about six times the ratio of them, or 48 where the ratio is large,
// so that a photo of 108 megapixels flows through a few hundred kilobytes. [Scaler.Resize] is
// the same for a plane that is there already, as when a small thumbnail is made from a large one.
//
// The filter is separable; columns are filtered first, because that works on whole rows, then
// rows. Samples are values as they are stored: nothing is linearised. Beyond the border the
// outermost sample is repeated. Each pass rounds to 8 bits and clamps. Where more than eight
// source samples fall on one destination sample, blocks of samples are averaged first, so that
// the filter itself never spans more than eight.
//
// A plane has one sample per pixel. A picture with alpha is several planes: the caller
// multiplies the colour planes by alpha beforehand, scales all of them alike and divides
// afterwards, or the colour of invisible pixels bleeds into the edges. As the filter
// overshoots, a scaled colour sample can exceed its alpha by a few levels; the caller clamps.
//
// On amd64 with AVX2 vector instructions do the work, elsewhere and with the build tag purego
// plain Go does. Both give the same samples, bit for bit.
//
// The package imports the standard library and golang.org/x/sys/cpu only, and starts no
// goroutine.
package resample
