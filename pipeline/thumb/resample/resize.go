package resample

// Resize scales the whole of src into dst. Ratios of zero mean the quotients of the sizes, as
// in [Axis]; pass the true ones where src is rounded up, as the chroma planes of a picture
// with an odd number of columns are. The error is [ErrGeometry].
func (s *Scaler) Resize(dst, src Plane, ratioX, ratioY float64) error {
	if err := src.check(); err != nil {
		return err
	}
	x := Axis{Source: src.Width, Dest: dst.Width, Ratio: ratioX}
	y := Axis{Source: src.Height, Dest: dst.Height, Ratio: ratioY}
	if err := s.Reset(x, y, dst); err != nil {
		return err
	}
	s.Rows(src.Pix, src.Stride, src.Height)
	return nil
}
