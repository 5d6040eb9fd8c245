// Package icc reads ICC colour profiles (ICC.1:2010 and ICC.1:2022) and converts 8-bit
// samples to sRGB (IEC 61966-2-1).
//
// Parse takes the bytes of a profile, which are hostile until proven otherwise, and tells
// what it is: sRGB, Display P3, another RGB space of three colorants and tone curves
// (ICC.1:2022 8.3.3), a grey scale with a tone curve (8.3.2), or something else, whose
// pixels only a colour engine could convert. A Transform changes samples in place: RGB,
// grey, or planes of YCbCr as JFIF defines it. Colours that sRGB does not have are clipped.
//
// All of it is relative colorimetric: white stays white. The package imports the standard
// library only.
package icc
