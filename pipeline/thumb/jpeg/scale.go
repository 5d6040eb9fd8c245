package jpeg

// Scale is how many samples of output stand for one side of a block of 8 x 8 samples.
type Scale int

// The scales that a file can be decoded at.
const (
	Eighth  Scale = 1
	Quarter Scale = 2
	Half    Scale = 4
	Full    Scale = 8
)

func (s Scale) valid() bool { return s == Eighth || s == Quarter || s == Half || s == Full }

// PlaneSize gives how many samples component c has at a scale: columns and rows, both
// rounded up, without any padding (A.1.1).
func (h *Header) PlaneSize(c int, s Scale) (width, height int) {
	hMax, vMax := h.maxFactors()
	k := h.Components[c]
	return ceilDiv(h.Width*k.H*int(s), 8*hMax), ceilDiv(h.Height*k.V*int(s), 8*vMax)
}

func (h *Header) maxFactors() (hMax, vMax int) {
	hMax, vMax = 1, 1
	for _, c := range h.Components {
		hMax, vMax = max(hMax, c.H), max(vMax, c.V)
	}
	return hMax, vMax
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
