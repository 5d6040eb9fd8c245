package coslocal

import (
	"crypto/md5" //nolint:gosec // an ETag is an MD5
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"hash/crc64"
	"io"
	"net/http"
	"os"
)

// staged is an upload that is being written to a temporary file.
type staged struct {
	file *os.File // nil once moved or dropped
	size int64
	md5  hash.Hash
	crc  hash.Hash64
}

func (d *disk) stage() (*staged, error) {
	f, err := os.Create(d.path("tmp", randomID()))
	if err != nil {
		return nil, err
	}
	return &staged{file: f, md5: md5.New(), crc: crc64.New(crc64.MakeTable(crc64.ECMA))}, nil //nolint:gosec // see the import
}

// errDisk marks an error of writing, as against one of the sender.
var errDisk = errors.New("cannot write to disk")

// Write implements io.Writer.
func (st *staged) Write(p []byte) (int, error) {
	n, err := st.file.Write(p)
	st.size += int64(n)
	st.md5.Write(p[:n]) // hashes never fail
	st.crc.Write(p[:n])
	if err != nil {
		err = errors.Join(errDisk, err)
	}
	return n, err
}

func (st *staged) md5Hex() string { return hex.EncodeToString(st.md5.Sum(nil)) }

// drop removes the temporary file; after moveTo it does nothing.
func (st *staged) drop() {
	if st.file != nil {
		_ = st.file.Close()
		_ = os.Remove(st.file.Name())
		st.file = nil
	}
}

// moveTo closes the file and gives it its name.
func (st *staged) moveTo(path string) error {
	f := st.file
	st.file = nil
	if err := f.Close(); err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return moveFile(f.Name(), path)
}

// receive writes src to a new temporary file. More than limit bytes are EntityTooLarge, a
// sender that stops early IncompleteBody. The caller drops what it gets.
func (x *exchange) receive(src io.Reader, limit int64) (*staged, error) {
	st, err := x.disk.stage()
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(st, io.LimitReader(src, limit+1))
	switch {
	case errors.Is(err, errDisk):
	case err != nil:
		err = refuse(http.StatusBadRequest, "IncompleteBody", "The request body ended early.")
	case n > limit:
		err = tooLarge()
	}
	if err != nil {
		st.drop()
		return nil, err
	}
	return st, nil
}

func tooLarge() error {
	return refuse(http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
}

// receiveBody is receive for a PUT, with Content-MD5 checked where it was sent.
func (x *exchange) receiveBody() (*staged, error) {
	if x.r.ContentLength > x.opt.MaxObjectBytes {
		return nil, tooLarge()
	}
	st, err := x.receive(x.r.Body, x.opt.MaxObjectBytes)
	if err != nil {
		return nil, err
	}
	if want := x.r.Header.Get("Content-Md5"); want != "" {
		sum, err := base64.StdEncoding.DecodeString(want)
		switch {
		case err != nil || len(sum) != md5.Size:
			err = refuse(http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified is invalid.")
		case hex.EncodeToString(sum) != st.md5Hex():
			err = refuse(http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received.")
		}
		if err != nil {
			st.drop()
			return nil, err
		}
	}
	return st, nil
}
