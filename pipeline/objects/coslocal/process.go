package coslocal

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// The limits of what COS processes (COS 436/44880).
const (
	maxProcessBytes  = 32 << 20
	maxProcessPixels = 250_000_000
	maxProcessSide   = 30_000
	maxProcessOut    = 9999
)

// processing gives the rule of imageMogr2 that a query asks for.
func processing(r *http.Request) (rule string, ok bool) {
	for name := range r.URL.Query() {
		if rule, ok := strings.CutPrefix(name, "imageMogr2/"); ok {
			return rule, true
		}
	}
	return "", false
}

// process answers a GET with imageMogr2 (COS 436/44880). No picture is decoded: the answer is
// a JPEG of the right size, in even grey.
func (x *exchange) process(rule string) error {
	side, err := parseRule(rule)
	if err != nil {
		return err
	}
	o, f, ok, err := x.disk.open(x.key)
	if err != nil {
		return err
	}
	if !ok {
		return noSuchKey()
	}
	defer f.Close() //nolint:errcheck // only read
	if o.Size > maxProcessBytes {
		return invalid("The image exceeds 32MB")
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	w, h := sizeOf(data)
	switch {
	case w <= 0 || h <= 0:
		return refuse(http.StatusBadRequest, "InvalidImageFormat", "The image format is not supported")
	case w > maxProcessSide || h > maxProcessSide || int64(w)*int64(h) > maxProcessPixels:
		return invalid("The image has too many pixels")
	}
	if side > 0 && (w > side || h > side) {
		if w > h {
			w, h = side, max(h*side/w, 1)
		} else {
			w, h = max(w*side/h, 1), side
		}
	}
	grey := image.NewGray(image.Rect(0, 0, w, h))
	for i := range grey.Pix {
		grey.Pix[i] = 128
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, grey, nil); err != nil {
		return err
	}
	x.w.Header().Set("Content-Type", "image/jpeg")
	x.w.Header().Set("Content-Length", strconv.Itoa(out.Len()))
	x.w.WriteHeader(http.StatusOK)
	_, _ = x.w.Write(out.Bytes())
	return nil
}

// parseRule knows the operations that make a JPEG which fits into a square; 0 is any size.
func parseRule(rule string) (side int, err error) {
	words := strings.Split(rule, "/")
	jpg := false
	for i := 0; i < len(words); i++ {
		value := ""
		if i+1 < len(words) {
			value = words[i+1]
		}
		switch words[i] {
		case "auto-orient", "strip":
			continue
		case "format":
			jpg = value == "jpg"
		case "quality":
			if q, qerr := strconv.Atoi(value); qerr != nil || q < 1 || q > 100 {
				return 0, invalid("The quality is invalid")
			}
		case "thumbnail":
			w, h, ok := strings.Cut(strings.TrimSuffix(value, ">"), "x")
			side, err = strconv.Atoi(w)
			if !ok || !strings.HasSuffix(value, ">") || h != w || err != nil || side < 1 || side > maxProcessOut {
				return 0, invalid("coslocal knows thumbnails of the form 100x100> only")
			}
		default:
			return 0, invalid("coslocal does not know the operation " + words[i])
		}
		i++ // its value
	}
	if !jpg {
		return 0, invalid("coslocal makes JPEGs only")
	}
	return side, nil
}

// sizeOf reads the pixels of an image; those of HEIC and AVIF from the boxes that say them
// (ISO/IEC 23008-12, 6.5.3).
func sizeOf(data []byte) (w, h int) {
	for _, decode := range []func(io.Reader) (image.Config, error){jpeg.DecodeConfig, png.DecodeConfig, gif.DecodeConfig} {
		if cfg, err := decode(bytes.NewReader(data)); err == nil {
			return cfg.Width, cfg.Height
		}
	}
	if len(data) < 8 || string(data[4:8]) != "ftyp" {
		return 0, 0
	}
	// There is one for each tile, too.
	for rest := data; ; {
		_, ispe, ok := bytes.Cut(rest, []byte("ispe"))
		if !ok || len(ispe) < 12 {
			return w, h
		}
		w = max(w, int(binary.BigEndian.Uint32(ispe[4:])))
		h = max(h, int(binary.BigEndian.Uint32(ispe[8:])))
		rest = ispe
	}
}
