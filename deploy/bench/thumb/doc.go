// Command thumb measures the thumbnail engine against what a user would pick instead:
// sharp (libvips) from Node.js for speed and memory, vipsthumbnail for quality and bytes.
//
//	make bench-thumb            photos from our own generator
//	make bench-thumb BENCH_PHOTOS=DIR   the JPEGs of a folder, 12 MP and more, as well
//
// Every figure is a ratio taken in one run on one machine. A measurement is a process of
// its own that makes the thumbnails of one file several times, one image at a time, on
// one thread where the contender lets us say so: it reads the file, does all the work and
// keeps nothing but its pools. Its CPU time is what the kernel says when it ends (wait4),
// its peak resident memory what the process reads of itself (VmHWM). Contenders take turns within a round, so that what the
// machine does beside them falls on all of them; a ratio is taken in each round, and the
// median of the rounds is printed.
//
// Two ratios are printed: whole counts the whole process, start and garbage collection
// included, divided by its images; warm is the median of what each image took, as a worker
// that lives long sees it. A target has to be met by both.
//
// The package imports the sample generator and the standard library.
package main
