package jpegtest

// Scan is one pass over some components.
type Scan struct {
	// Components are indices into those of the image; several are interleaved.
	Components []int
	// From and To are the band of coefficients, High and Low the bit that came last and the
	// bit that this scan ends with; for progressive files only.
	From, To, High, Low int
}

// Options shape a file. The zero value is a bare sequential file of one scan.
type Options struct {
	// Progressive writes SOF2, and by default the script of Progression.
	Progressive bool
	// Extended writes SOF1 instead of SOF0.
	Extended bool
	// Script is the scans; nil is one of everything, or Progression.
	Script []Scan
	// Restart is the restart interval in MCUs; 0 writes no restart markers.
	Restart int
	// JFIF writes an APP0 segment.
	JFIF bool
	// Adobe writes an APP14 segment with Transform.
	Adobe     bool
	Transform byte
	// ICC is split into APP2 segments of ICCPart bytes; 0 is 65519, the most.
	ICC     []byte
	ICCPart int
	// DNL leaves the height to a DNL segment after the first scan.
	DNL bool
	// Fill is how many fill bytes stand before each marker but SOI and restarts.
	Fill int
	// Garbage is written before each marker but SOI and those between scans and data.
	Garbage []byte
}

// Separate is the script of a sequential file whose components are not interleaved.
func Separate(m *Image) []Scan {
	var script []Scan
	for i := range m.Components {
		script = append(script, Scan{Components: []int{i}, To: 63})
	}
	return script
}

// Progression is a script with spectral selection and successive approximation in all
// their forms.
func Progression(m *Image) []Scan {
	all := make([]int, len(m.Components))
	for i := range all {
		all[i] = i
	}
	script := []Scan{{Components: all, Low: 2}}
	for _, i := range all {
		one := []int{i}
		script = append(script,
			Scan{Components: one, From: 1, To: 5, Low: 2},
			Scan{Components: one, From: 6, To: 63, Low: 2})
	}
	script = append(script, Scan{Components: all, High: 2, Low: 1})
	for _, i := range all {
		script = append(script, Scan{Components: []int{i}, From: 1, To: 63, High: 2, Low: 1})
	}
	script = append(script, Scan{Components: all, High: 1})
	for _, i := range all {
		script = append(script,
			Scan{Components: []int{i}, From: 1, To: 20, High: 1},
			Scan{Components: []int{i}, From: 21, To: 63, High: 1})
	}
	return script
}

// Encode writes the file.
func Encode(m *Image, o Options) []byte {
	w := &writer{o: o, out: []byte{0xff, 0xd8}}
	w.application()
	for i := range m.Quant {
		if m.Quant[i][0] > 0 {
			w.quant(i, &m.Quant[i])
		}
	}
	w.frame(m)
	if o.Restart > 0 {
		w.segment(0xdd, []byte{byte(o.Restart >> 8), byte(o.Restart)})
	}
	script := o.Script
	switch {
	case script != nil:
	case o.Progressive:
		script = Progression(m)
	default:
		all := Scan{To: 63}
		for i := range m.Components {
			all.Components = append(all.Components, i)
		}
		script = []Scan{all}
	}
	for i, s := range script {
		w.scan(m, s)
		if i == 0 && o.DNL {
			w.segment(0xdc, []byte{byte(m.Height >> 8), byte(m.Height)})
		}
	}
	w.marker(0xd9)
	return w.out
}

// writer builds the file.
type writer struct {
	o   Options
	out []byte
}

func (w *writer) marker(code byte) {
	w.out = append(w.out, w.o.Garbage...)
	for range w.o.Fill {
		w.out = append(w.out, 0xff)
	}
	w.out = append(w.out, 0xff, code)
}

func (w *writer) segment(code byte, payload []byte) {
	w.marker(code)
	n := len(payload) + 2
	w.out = append(w.out, byte(n>>8), byte(n))
	w.out = append(w.out, payload...)
}

func (w *writer) application() {
	if w.o.JFIF {
		w.segment(0xe0, []byte("JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"))
	}
	if w.o.Adobe {
		w.segment(0xee, append([]byte("Adobe\x00\x64\x00\x00\x00\x00"), w.o.Transform))
	}
	part := w.o.ICCPart
	if part == 0 {
		part = 65519
	}
	count := up(len(w.o.ICC), part)
	for i := range count {
		p := append([]byte("ICC_PROFILE\x00"), byte(i+1), byte(count))
		w.segment(0xe2, append(p, w.o.ICC[i*part:min((i+1)*part, len(w.o.ICC))]...))
	}
}

func (w *writer) quant(id int, steps *[64]uint16) {
	wide := false
	for _, s := range steps {
		wide = wide || s > 255
	}
	p := []byte{byte(id)}
	if wide {
		p[0] |= 1 << 4
	}
	for _, s := range steps {
		if wide {
			p = append(p, byte(s>>8))
		}
		p = append(p, byte(s))
	}
	w.segment(0xdb, p)
}

func (w *writer) frame(m *Image) {
	code, height := byte(0xc0), m.Height
	if w.o.Extended {
		code = 0xc1
	}
	if w.o.Progressive {
		code = 0xc2
	}
	if w.o.DNL {
		height = 0
	}
	p := []byte{8, byte(height >> 8), byte(height), byte(m.Width >> 8), byte(m.Width), byte(len(m.Components))}
	for _, c := range m.Components {
		p = append(p, c.ID, byte(c.H<<4|c.V), byte(c.Quant))
	}
	w.segment(code, p)
}

// scan writes the tables, the header and the data of a scan.
func (w *writer) scan(m *Image, s Scan) {
	e := encoder{m: m, s: s, progressive: w.o.Progressive, restart: w.o.Restart}
	e.run()
	for id := range 4 {
		if t := e.table(id); t != nil {
			w.segment(0xc4, t.segment(id))
		}
	}
	p := []byte{byte(len(s.Components))}
	for _, i := range s.Components {
		p = append(p, m.Components[i].ID, byte(min(i, 1)<<4|min(i, 1)))
	}
	to := s.To
	if !w.o.Progressive {
		to = 63
	}
	w.segment(0xda, append(p, byte(s.From), byte(to), byte(s.High<<4|s.Low)))
	w.out = e.write(w.out)
}
