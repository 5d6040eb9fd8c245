// Package probe tells what a file is from its first bytes: its type by magic
// numbers, its dimensions, frames and EXIF orientation from its headers, and whether
// other content hides in it. It never decodes a pixel, never inflates anything, never
// panics on any input and keeps no more than a few kilobytes of its own.
//
// Detect is a [pipeline.Prober]: the first bytes of an object and its size come in,
// [pipeline.Facts] go out. It imports the domain and the standard library only.
//
// What a file claims about itself (name, Content-Type) is not asked; what it claims in
// its headers is believed, because the limits are checked against the claim. Whoever
// decodes later has to ask the real decoder again (see package thumb).
package probe
