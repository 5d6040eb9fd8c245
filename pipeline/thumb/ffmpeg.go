package thumb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// FindFFmpeg looks for ffmpeg: on the PATH, or where the operator says. Without one it gives
// the reason.
func FindFFmpeg(path string) (found, why string) {
	name := path
	if name == "" {
		name = "ffmpeg"
	}
	found, err := exec.LookPath(name)
	switch {
	case err == nil:
		return found, ""
	case path == "":
		return "", "no ffmpeg"
	}
	return "", "no ffmpeg at " + path
}

const (
	// maxFrame is the largest encoded frame that is read, in bytes.
	maxFrame = 64 << 20
	// maxAlloc is the largest piece of memory that ffmpeg may ask for at once, in bytes.
	maxAlloc = 512 << 20
	// codecs are those that phones, browsers and cameras write.
	codecs = "h264,hevc,mpeg4,h263,mpeg2video,vp8,vp9,libdav1d,av1,mjpeg,prores"
)

// ffmpeg takes the frame at a time, in seconds, as a JPEG that fits into a square; nothing
// where the video is shorter.
func (p *Posters) ffmpeg(ctx context.Context, file, demuxer, at string, side int) ([]byte, error) {
	out, said := &bounded{most: maxFrame}, &bounded{most: maxSaid, cut: true}
	cmd := exec.CommandContext(ctx, p.opt.FFmpeg, p.arguments(file, demuxer, at, side)...) //nolint:gosec // the operator's
	cmd.Stdout, cmd.Stderr = out, said
	cmd.Dir = filepath.Dir(file)
	cmd.Env = []string{} // no secrets, no proxies
	cmd.SysProcAttr = ownGroup()
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, noPoster(errors.New("no ffmpeg"))
		}
		return nil, transient("thumb.poster", err)
	}
	if err := limitChild(cmd.Process.Pid, p.opt.Memory, p.opt.Within); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, transient("thumb.limit", err)
	}
	if err := cmd.Wait(); err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(said.buf.String()), "\n")
		return nil, noPoster(fmt.Errorf("ffmpeg: %w: %s", err, strings.ReplaceAll(line, file, "video")))
	}
	return out.buf.Bytes(), nil
}

// arguments keep ffmpeg to one file, one container and known codecs. Display matrices are
// applied, pixels that are not square are made so, and colours become those of JFIF.
func (p *Posters) arguments(file, demuxer, at string, side int) []string {
	s := strconv.Itoa(side)
	return []string{
		"-nostdin", "-hide_banner", "-loglevel", "error", "-max_alloc", strconv.Itoa(maxAlloc),
		"-protocol_whitelist", "file,pipe", "-format_whitelist", demuxer, "-codec_whitelist", codecs,
		"-f", demuxer, "-threads", "1", "-max_pixels", strconv.FormatInt(p.opt.MaxPixels, 10),
		"-ss", at, "-i", "file:" + file,
		"-map", "0:V:0", "-frames:v", "1",
		"-vf", "scale='min(max(trunc(iw*sar),1),16384)':ih," +
			"scale='min(iw," + s + ")':'min(ih," + s + ")':force_original_aspect_ratio=decrease:flags=area" +
			":out_color_matrix=bt601:out_range=full,format=yuvj420p",
		"-map_metadata", "-1", "-c:v", "mjpeg", "-q:v", "2", "-threads", "1", "-f", "image2pipe", "pipe:1",
	}
}
