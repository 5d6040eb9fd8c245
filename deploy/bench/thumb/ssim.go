package main

import (
	"math"
)

// plane is luma 0..255, one value per pixel, row by row.
type plane struct {
	w, h int
	pix  []float64
}

// The constants of Wang et al., "Image quality assessment: from error visibility to
// structural similarity" (2004), for values of 0..255.
const (
	ssimC1    = (0.01 * 255) * (0.01 * 255)
	ssimC2    = (0.03 * 255) * (0.03 * 255)
	ssimSigma = 1.5
	ssimReach = 5
)

// ssim is the mean structural similarity of two planes of the same size, in the Gaussian
// window of 11 x 11 of the paper. 1 is equal.
func ssim(a, b plane) float64 {
	product := func(x, y plane) plane {
		out := plane{w: x.w, h: x.h, pix: make([]float64, len(x.pix))}
		for i := range out.pix {
			out.pix[i] = x.pix[i] * y.pix[i]
		}
		return out
	}
	ma, mb := blur(a), blur(b)
	aa, bb, ab := blur(product(a, a)), blur(product(b, b)), blur(product(a, b))
	sum := 0.0
	for i := range ma.pix {
		x, y := ma.pix[i], mb.pix[i]
		vx, vy, cov := aa.pix[i]-x*x, bb.pix[i]-y*y, ab.pix[i]-x*y
		sum += (2*x*y + ssimC1) * (2*cov + ssimC2) / ((x*x + y*y + ssimC1) * (vx + vy + ssimC2))
	}
	return sum / float64(len(ma.pix))
}

// blur is a Gaussian with the border repeated.
func blur(p plane) plane {
	var weights [2*ssimReach + 1]float64
	total := 0.0
	for i := range weights {
		d := float64(i - ssimReach)
		weights[i] = math.Exp(-d * d / (2 * ssimSigma * ssimSigma))
		total += weights[i]
	}
	pass := func(p plane, dx, dy int) plane {
		out := plane{w: p.w, h: p.h, pix: make([]float64, len(p.pix))}
		for y := range p.h {
			for x := range p.w {
				sum := 0.0
				for i, weight := range weights {
					sx := min(max(x+dx*(i-ssimReach), 0), p.w-1)
					sy := min(max(y+dy*(i-ssimReach), 0), p.h-1)
					sum += weight * p.pix[sy*p.w+sx]
				}
				out.pix[y*p.w+x] = sum / total
			}
		}
		return out
	}
	return pass(pass(p, 1, 0), 0, 1)
}

// lanczos resizes a plane with the filter of three lobes in floating point: the reference
// that others are measured by.
func lanczos(p plane, w, h int) plane {
	rows := resample(p, w)
	return transpose(resample(transpose(rows), h))
}

func transpose(p plane) plane {
	out := plane{w: p.h, h: p.w, pix: make([]float64, len(p.pix))}
	for y := range p.h {
		for x := range p.w {
			out.pix[x*out.w+y] = p.pix[y*p.w+x]
		}
	}
	return out
}

func resample(p plane, w int) plane {
	const lobes = 3
	ratio := float64(p.w) / float64(w)
	stretch := max(ratio, 1)
	out := plane{w: w, h: p.h, pix: make([]float64, w*p.h)}
	for x := range w {
		centre := (float64(x)+0.5)*ratio - 0.5
		from, to := int(math.Ceil(centre-lobes*stretch)), int(math.Floor(centre+lobes*stretch))
		weights := make([]float64, to-from+1)
		total := 0.0
		for i := range weights {
			weights[i] = sinc3((float64(from+i) - centre) / stretch)
			total += weights[i]
		}
		for y := range p.h {
			row := p.pix[y*p.w : (y+1)*p.w]
			sum := 0.0
			for i, weight := range weights {
				sum += weight * row[min(max(from+i, 0), p.w-1)]
			}
			out.pix[y*w+x] = min(max(sum/total, 0), 255)
		}
	}
	return out
}

func sinc3(x float64) float64 {
	if x == 0 {
		return 1
	}
	if math.Abs(x) >= 3 {
		return 0
	}
	px := math.Pi * x
	return 3 * math.Sin(px) * math.Sin(px/3) / (px * px)
}
