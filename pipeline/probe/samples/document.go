package samples

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
)

// PDF makes a document of one empty page.
func PDF() []byte {
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>",
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, xref)
	return b.Bytes()
}

// ZIP makes an archive of one small file.
func ZIP() []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	// Writing into memory fails for names that are too long only.
	if w, err := z.CreateHeader(&zip.FileHeader{Name: "payload.txt", Method: zip.Store}); err == nil {
		_, _ = w.Write([]byte("payload\n"))
	}
	_ = z.Close()
	return b.Bytes()
}

// PE makes the head of a Windows executable that runs nowhere.
func PE() []byte {
	b := make([]byte, 256)
	copy(b, "MZ\x90\x00\x03")
	binary.LittleEndian.PutUint32(b[60:], 128)
	copy(b[128:], "PE\x00\x00\x64\x86")
	return b
}

// MPEGTS makes some packets of an MPEG transport stream, each of 188 bytes.
func MPEGTS(packets int) []byte {
	b := bytes.Repeat([]byte{0xff}, 188*packets)
	for i := range packets {
		copy(b[188*i:], []byte{0x47, 0x1f, 0xff, 0x10}) // null packets
	}
	return b
}

// BMP makes a white bitmap of w x h pixels, 24 bits each, rows from the bottom.
func BMP(w, h int) []byte {
	stride := (3*w + 3) / 4 * 4
	le := binary.LittleEndian
	b := []byte("BM")
	b = le.AppendUint32(b, uint32(54+stride*h))
	b = append(b, 0, 0, 0, 0)
	for _, v := range []uint32{54, 40, uint32(w), uint32(h), 1 | 24<<16, 0, uint32(stride * h), 2835, 2835, 0, 0} {
		b = le.AppendUint32(b, v)
	}
	return append(b, bytes.Repeat([]byte{255}, stride*h)...)
}

// TIFF makes the directory of a TIFF image of w x h pixels, without strips.
func TIFF(w, h int) []byte {
	return append([]byte("II*\x00\x08\x00\x00\x00"), directory(8, []entry{
		longEntry(0x0100, uint32(w)), longEntry(0x0101, uint32(h)), shortEntry(0x0112, 1),
	})...)
}

// HTML makes a page with a script.
func HTML() []byte {
	return []byte("\ufeff \n<!DOCTYPE html>\n<html><head><script>alert(document.domain)</script></head><body>hi</body></html>\n")
}

// SVG makes a drawing with a script.
func SVG() []byte {
	return []byte("<?xml version=\"1.0\"?>\n<!-- a drawing -->\n" +
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"10\" height=\"10\"><script>alert(1)</script></svg>\n")
}

// Shell makes a shell script.
func Shell() []byte { return []byte("#!/bin/sh\necho hello\n") }

// PHP makes a web shell that does nothing.
func PHP() []byte { return []byte("<?php echo 'hello'; ?>\n") }

// JavaScript makes a script for a browser.
func JavaScript() []byte { return []byte("fetch('/api/me').then(r => r.json()).then(console.log)\n") }
