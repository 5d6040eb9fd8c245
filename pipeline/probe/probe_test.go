package probe_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
)

// detect asks like the check step: 64 KiB first, then what is needed.
func detect(t *testing.T, data []byte) pipeline.Facts {
	t.Helper()
	n := min(len(data), pipeline.ProbeBytes)
	for range 32 {
		facts, need := probe.Detect(data[:n], int64(len(data)))
		if need == 0 {
			return facts
		}
		require.Greater(t, need, n)
		require.LessOrEqual(t, need, min(len(data), probe.MaxHead))
		n = need
	}
	t.Fatal("Detect asks for ever")
	return pipeline.Facts{}
}

func TestDetectSamples(t *testing.T) {
	t.Parallel()
	for _, list := range [][]samples.File{samples.Ordinary(), samples.Other(), samples.Hostile()} {
		for _, f := range list {
			t.Run(f.Name, func(t *testing.T) {
				t.Parallel()
				facts := detect(t, f.Data)
				require.Equal(t, f.Type, facts.Type)
				require.Equal(t, f.Code == string(pipeline.CodePolyglot), facts.Foreign != "" && f.Type[:5] == "image" && f.Type != probe.TypeSVG,
					"foreign: %q", facts.Foreign)
				require.Equal(t, f.Code == string(pipeline.CodeCorruptFile), facts.Truncated)
			})
		}
	}
}

func TestDetectFacts(t *testing.T) {
	t.Parallel()
	type F = pipeline.Facts
	for _, tc := range []struct {
		name string
		in   []byte
		want F
	}{
		{"photo", samples.Photo(samples.Options{Width: 641, Height: 479}), F{Type: probe.TypeJPEG, Width: 641, Height: 479, Frames: 1}},
		{"photo with GPS", samples.Photo(samples.Options{Width: 64, Height: 48, GPS: true, Orientation: 8}), F{Type: probe.TypeJPEG, Width: 64, Height: 48, Frames: 1, Orientation: 8}},
		{"CMYK", samples.CMYKJPEG(33, 17), F{Type: probe.TypeJPEG, Width: 33, Height: 17, Frames: 1}},
		{"PNG", samples.PNG(7, 9), F{Type: probe.TypePNG, Width: 7, Height: 9, Frames: 1}},
		{"APNG", samples.APNG(8, 8, 400), F{Type: probe.TypePNG, Width: 8, Height: 8, Frames: 400}},
		{"APNG beyond head", samples.APNG(8, 8, 10_000), F{Type: probe.TypePNG, Width: 8, Height: 8, Frames: 10_000}},
		{"GIF", samples.GIF(60, 40, 5), F{Type: probe.TypeGIF, Width: 60, Height: 40, Frames: 5}},
		{"WebP lossy", samples.WebPLossy(65, 49), F{Type: probe.TypeWebP, Width: 65, Height: 49, Frames: 1}},
		{"WebP lossless", samples.WebPLossless(300, 1, 0), F{Type: probe.TypeWebP, Width: 300, Height: 1, Frames: 1}},
		{"WebP animation", samples.WebPAnimation(64, 48, 3), F{Type: probe.TypeWebP, Width: 64, Height: 48, Frames: 3}},
		{"MP4", samples.MP4(1920, 1080), F{Type: probe.TypeMP4, Width: 1920, Height: 1080}},
		{"MOV", samples.MOV(1280, 720), F{Type: probe.TypeQuickTime, Width: 1280, Height: 720}},
		{"MOV without ftyp", samples.MOV(1280, 720)[20:], F{Type: probe.TypeQuickTime, Width: 1280, Height: 720}},
		{"HEIC takes the grid, not a tile", samples.HEIC(4032, 3024), F{Type: probe.TypeHEIC, Width: 4032, Height: 3024, Frames: 1}},
		{"AVIF", samples.AVIF(1200, 800), F{Type: probe.TypeAVIF, Width: 1200, Height: 800, Frames: 1}},
		{"BMP", samples.BMP(5, 7), F{Type: probe.TypeBMP, Width: 5, Height: 7, Frames: 1}},
		{"TIFF", samples.TIFF(300, 200), F{Type: probe.TypeTIFF, Width: 300, Height: 200, Frames: 1, Orientation: 1}},
		{"PNG bomb", samples.PNGBomb(), F{Type: probe.TypePNG, Width: 65535, Height: 65535, Frames: 1}},
		{"JPEG bomb", samples.JPEGBomb(), F{Type: probe.TypeJPEG, Width: 65535, Height: 65535, Frames: 1}},
		{"GIF bomb", samples.GIFBomb(), F{Type: probe.TypeGIF, Width: 65535, Height: 65535, Frames: 1}},
		{"WebP bomb", samples.WebPBomb(), F{Type: probe.TypeWebP, Width: 16383, Height: 16383, Frames: 1}},
		{"30 MB", samples.Padded(30_000_000), F{Type: probe.TypeJPEG, Width: 320, Height: 240, Frames: 1}},
		{"nothing", nil, F{Type: probe.TypeUnknown}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, detect(t, tc.in))
		})
	}
}

func TestDetectOrientations(t *testing.T) {
	t.Parallel()
	for o := range 9 {
		require.Equal(t, o, detect(t, samples.Oriented(o)).Orientation)
	}
	big := bytes.Replace(samples.Oriented(6), []byte("II*\x00\x08\x00\x00\x00"), []byte("II*\x00\xff\xff\xff\xff"), 1)
	require.Zero(t, detect(t, big).Orientation, "a directory beyond the end")
}

// A frame header behind a megabyte of metadata is as far as Detect goes.
func TestDetectAsksForMore(t *testing.T) {
	t.Parallel()
	photo := samples.Photo(samples.Options{Width: 320, Height: 200})
	for _, tc := range []struct {
		segments, width int
	}{{0, 320}, {2, 320}, {10, 320}, {15, 320}, {17, 0}} {
		data := append([]byte{}, photo[:2]...)
		for range tc.segments {
			data = append(append(data, 0xff, 0xe2, 0xff, 0xff), make([]byte, 65533)...)
		}
		data = append(data, photo[2:]...)
		require.Equal(t, tc.width, detect(t, data).Width, "%d segments", tc.segments)
	}
}

func TestDetectText(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, want string }{
		{"<HTML>", probe.TypeHTML},
		{"\xef\xbb\xbf  \r\n<!-- hi --><html>", probe.TypeHTML},
		{"\xff\xfe<\x00h\x00t\x00m\x00l\x00>\x00", probe.TypeHTML},
		{"\xfe\xff\x00<\x00s\x00v\x00g\x00>", probe.TypeSVG},
		{"<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\"><svg/>", probe.TypeSVG},
		{"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><svg:svg xmlns:svg='x'>", probe.TypeText},
		{"<?xml version='1.0'?><svg:svg xmlns:svg='x'>", probe.TypeSVG},
		{"<?xml version='1.0'?><rss/>", probe.TypeText},
		{"<script>alert(1)</script>", probe.TypeHTML},
		{"<img src=x onerror=alert(1)>", probe.TypeHTML},
		{"<!-- never closed", probe.TypeHTML},
		{"<?PHP phpinfo();", probe.TypePHP},
		{"#!/bin/sh\n", probe.TypeShell},
		{"#! /usr/bin/env python\n", probe.TypeShell},
		{"alert(1)", probe.TypeText},
		{"你好", probe.TypeText},
		{"MZ is a word", probe.TypeText},
		{"PK is one too", probe.TypeText},
		{"a\x00b\x01", probe.TypeUnknown},
		{"   ", probe.TypeUnknown},
	} {
		require.Equal(t, tc.want, detect(t, []byte(tc.in)).Type, "%q", tc.in)
	}
	require.Equal(t, probe.TypePHP, detect(t, []byte("hello\n<?php phpinfo();")).Foreign)
}

func TestDetectBrands(t *testing.T) {
	t.Parallel()
	ftyp := func(major string, compatible ...string) []byte {
		b := []byte{0, 0, 0, byte(16 + 4*len(compatible))}
		b = append(b, "ftyp"+major+"\x00\x00\x00\x00"...)
		for _, c := range compatible {
			b = append(b, c...)
		}
		return b
	}
	for _, tc := range []struct {
		in   []byte
		want string
	}{
		{ftyp("mif1", "mif1", "heic"), probe.TypeHEIC},
		{ftyp("mif1", "mif1", "miaf", "avif"), probe.TypeAVIF},
		{ftyp("mif1"), probe.TypeHEIC},
		{ftyp("mp42", "isom"), probe.TypeMP4},
		{ftyp("zzzz", "iso5"), probe.TypeMP4},
		{ftyp("zzzz"), probe.TypeUnknown},
		{ftyp("M4A "), probe.TypeM4A},
		{ftyp("3gp5"), probe.Type3GP},
		{[]byte("\x00\x00\x00\x00ftypisom"), probe.TypeUnknown},
	} {
		require.Equal(t, tc.want, detect(t, tc.in).Type, "%q", tc.in)
	}
}

func TestDetectTruncated(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		in   []byte
	}{
		{"JPEG", samples.Photo(samples.Options{Width: 64, Height: 64})},
		{"PNG", samples.PNG(30, 30)},
		{"GIF", samples.GIF(30, 30, 3)},
		{"WebP", samples.WebPLossy(30, 30)},
		{"MP4", samples.MP4(30, 30)},
		{"HEIC", samples.HEIC(30, 30)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.False(t, detect(t, tc.in).Truncated)
			for _, cut := range []int{len(tc.in) - 3, len(tc.in) * 9 / 10} {
				require.True(t, detect(t, tc.in[:cut]).Truncated, "%d of %d bytes", cut, len(tc.in))
			}
		})
	}
	noTrailer := samples.GIF(30, 30, 3)
	require.False(t, detect(t, noTrailer[:len(noTrailer)-1]).Truncated, "a GIF may lack its last byte")
}

// The whole of head is walked for the tail, so a photo must stay far below a millisecond.
func BenchmarkDetect(b *testing.B) {
	photo := samples.Photo(samples.Options{})
	for _, n := range []int{pipeline.ProbeBytes, len(photo)} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				probe.Detect(photo[:n], int64(len(photo)))
			}
		})
	}
}
