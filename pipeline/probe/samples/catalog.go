package samples

// File is one file of the catalogue.
type File struct {
	// Name is a file name with the extension that an uploader would give it, which for
	// hostile files need not fit.
	Name string
	// Type is the MIME type of what it really is; application/octet-stream for nothing.
	Type string
	// Code is the code with which the default policy refuses it, "" for a file that it
	// accepts.
	Code string
	// Data are the bytes.
	Data []byte
}

// Ordinary lists one small file of every type that people upload on purpose.
func Ordinary() []File {
	return []File{
		{Name: "photo.jpg", Type: "image/jpeg", Data: Photo(Options{Width: 640, Height: 480, GPS: true})},
		{Name: "turned.jpg", Type: "image/jpeg", Data: Photo(Options{Width: 640, Height: 480, Seed: 1, Orientation: 6})},
		{Name: "print.jpg", Type: "image/jpeg", Data: CMYKJPEG(64, 48)},
		{Name: "sticker.png", Type: "image/png", Data: PNG(200, 120)},
		{Name: "animation.gif", Type: "image/gif", Data: GIF(60, 40, 5)},
		{Name: "lossy.webp", Type: "image/webp", Data: WebPLossy(64, 48)},
		{Name: "lossless.webp", Type: "image/webp", Data: WebPLossless(64, 48, 0xff3366cc)},
		{Name: "animation.webp", Type: "image/webp", Data: WebPAnimation(64, 48, 3)},
		{Name: "video.mp4", Type: "video/mp4", Data: MP4(1920, 1080)},
		{Name: "video.mov", Type: "video/quicktime", Data: MOV(1920, 1080)},
	}
}

// Other lists files of the types that probe tells and the default policy does not allow.
func Other() []File {
	const code = "TYPE_NOT_ALLOWED"
	return []File{
		{Name: "photo.heic", Type: "image/heic", Code: code, Data: HEIC(4032, 3024)},
		{Name: "photo.avif", Type: "image/avif", Code: code, Data: AVIF(1200, 800)},
		{Name: "video.webm", Type: "video/webm", Code: code, Data: WebM()},
		{Name: "video.mkv", Type: "video/x-matroska", Code: code, Data: Matroska()},
		{Name: "video.ts", Type: "video/mp2t", Code: code, Data: MPEGTS(4)},
		{Name: "image.bmp", Type: "image/bmp", Code: code, Data: BMP(5, 7)},
		{Name: "image.tif", Type: "image/tiff", Code: code, Data: TIFF(300, 200)},
		{Name: "drawing.svg", Type: "image/svg+xml", Code: code, Data: SVG()},
		{Name: "page.html", Type: "text/html", Code: code, Data: HTML()},
		{Name: "document.pdf", Type: "application/pdf", Code: code, Data: PDF()},
		{Name: "archive.zip", Type: "application/zip", Code: code, Data: ZIP()},
		{Name: "program.exe", Type: "application/x-msdownload", Code: code, Data: PE()},
		{Name: "script.php", Type: "text/x-php", Code: code, Data: PHP()},
		{Name: "script.sh", Type: "text/x-shellscript", Code: code, Data: Shell()},
		{Name: "script.js", Type: "text/plain", Code: code, Data: JavaScript()},
	}
}

// Hostile lists files that are not what they say: masquerades, bombs, polyglots, wrecks.
func Hostile() []File {
	return []File{
		{Name: "empty.jpg", Type: "application/octet-stream", Code: "EMPTY_FILE", Data: []byte{}},
		{Name: "page.jpg", Type: "text/html", Code: "TYPE_NOT_ALLOWED", Data: HTML()},
		{Name: "program.png", Type: "application/x-msdownload", Code: "TYPE_NOT_ALLOWED", Data: PE()},
		{Name: "photo.jpg.mp4", Type: "image/jpeg", Code: "EXTENSION_MISMATCH", Data: small(6)},
		{Name: "bomb.png", Type: "image/png", Code: "TOO_MANY_PIXELS", Data: PNGBomb()},
		{Name: "bomb.jpg", Type: "image/jpeg", Code: "TOO_MANY_PIXELS", Data: JPEGBomb()},
		{Name: "bomb.gif", Type: "image/gif", Code: "TOO_MANY_PIXELS", Data: GIFBomb()},
		{Name: "bomb.webp", Type: "image/webp", Code: "TOO_MANY_PIXELS", Data: WebPBomb()},
		{Name: "frames.png", Type: "image/png", Code: "TOO_MANY_FRAMES", Data: APNG(8, 8, 10_000)},
		{Name: "broken.jpg", Type: "image/jpeg", Code: "CORRUPT_FILE", Data: TruncatedJPEG()},
		{Name: "script.jpg", Type: "image/jpeg", Code: "POLYGLOT", Data: ScriptJPEG()},
		{Name: "gifar.jpg", Type: "image/jpeg", Code: "POLYGLOT", Data: ZIPJPEG()},
		{Name: "stream.png", Type: "image/png", Code: "POLYGLOT", Data: TSPNG()},
	}
}
