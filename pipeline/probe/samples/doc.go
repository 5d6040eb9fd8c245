// Package samples makes files: photos that look and compress like photos, one file of
// every type that package probe knows, and hostile ones. Tests use them, and so does the
// demo, which has to work on a machine without any picture.
//
// All files are made here, byte by byte or through the encoders of the standard library,
// the only thing it imports. The same options give the same bytes under one version of
// Go. Nothing enters but options; nothing leaves but byte slices, which the caller owns.
package samples
