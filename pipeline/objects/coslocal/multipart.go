package coslocal

import (
	"cmp"
	"crypto/md5" //nolint:gosec // an ETag is made of MD5s
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxParts is the most parts of COS (COS 436/7750). That all but the last must have 1 MB
// is not enforced here.
const maxParts = 10000

// upload is a multipart upload under way; it is upload.json in a folder of its own.
type upload struct {
	Key       string
	Header    http.Header
	ACL       string
	Initiated time.Time
}

// part is an uploaded part; its bytes lie beside its JSON.
type part struct {
	Number   int
	ETag     string // without quotes
	Size     int64
	Modified time.Time
}

func (d *disk) uploadPath(id string, name ...string) string {
	return d.path(append([]string{"uploads", id}, name...)...)
}

func partName(n int) string { return fmt.Sprintf("%05d", n) }

type initiateXML struct {
	XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
	Bucket   string
	Key      string
	UploadID string `xml:"UploadId"`
}

func (x *exchange) initiate() error {
	acl, err := parseACL(x.r.Header.Get("X-Cos-Acl"))
	if err != nil {
		return err
	}
	id := randomID()
	u := upload{Key: x.key, Header: keptHeader(x.r.Header), ACL: acl, Initiated: x.now.UTC()}
	if err := x.disk.writeJSON(x.disk.uploadPath(id, "upload.json"), u); err != nil {
		return err
	}
	x.writeXML(http.StatusOK, initiateXML{Bucket: x.opt.Bucket, Key: x.key, UploadID: id})
	return nil
}

// upload finds the multipart upload id of x.key.
func (x *exchange) upload(id string) (upload, error) {
	var u upload
	raw, err := hex.DecodeString(id)
	if err == nil && len(raw) == 12 {
		err = readJSON(x.disk.uploadPath(strings.ToLower(id), "upload.json"), &u)
	}
	if err != nil || u.Key != x.key {
		return upload{}, refuse(http.StatusNotFound, "NoSuchUpload", "The specified multipart upload does not exist.")
	}
	return u, nil
}

func (x *exchange) putPart(q url.Values) error {
	id := q.Get("uploadId")
	if _, err := x.upload(id); err != nil {
		return err
	}
	n, err := strconv.Atoi(q.Get("partNumber"))
	if err != nil || n < 1 || n > maxParts {
		return invalid("partNumber is not from 1 to 10000")
	}
	st, err := x.receiveBody()
	if err != nil {
		return err
	}
	defer st.drop()
	p := part{Number: n, ETag: st.md5Hex(), Size: st.size, Modified: x.now.UTC().Truncate(time.Second)}
	crc := st.crc.Sum64()
	if err := st.moveTo(x.disk.uploadPath(id, partName(n))); err != nil {
		return err
	}
	if err := x.disk.writeJSON(x.disk.uploadPath(id, partName(n)+".json"), p); err != nil {
		return err
	}
	x.setWritten(&object{ETag: p.ETag, CRC64: crc})
	x.w.WriteHeader(http.StatusOK)
	return nil
}

// parts gives the uploaded parts by number.
func (d *disk) parts(id string) ([]part, error) {
	names, err := filepath.Glob(d.uploadPath(id, "[0-9]*.json"))
	if err != nil {
		return nil, err
	}
	parts := make([]part, 0, len(names))
	for _, name := range names {
		var p part
		if err := readJSON(name, &p); err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(a.Number, b.Number) })
	return parts, nil
}

type partXML struct {
	PartNumber   int
	LastModified string `xml:",omitempty"`
	ETag         string
	Size         int64
}

type listPartsXML struct {
	XMLName     xml.Name `xml:"ListPartsResult"`
	Bucket      string
	Key         string
	UploadID    string `xml:"UploadId"`
	Owner       ownerXML
	MaxParts    int
	IsTruncated bool
	Parts       []partXML `xml:"Part"`
}

// listParts answers with every part at once; there are at most 10,000.
func (x *exchange) listParts(id string) error {
	if _, err := x.upload(id); err != nil {
		return err
	}
	parts, err := x.disk.parts(id)
	if err != nil {
		return err
	}
	doc := listPartsXML{Bucket: x.opt.Bucket, Key: x.key, UploadID: id, Owner: x.owner(), MaxParts: maxParts}
	for _, p := range parts {
		doc.Parts = append(doc.Parts, partXML{p.Number, p.Modified.Format(listTime), `"` + p.ETag + `"`, p.Size})
	}
	x.writeXML(http.StatusOK, doc)
	return nil
}

func (x *exchange) abort(id string) error {
	if _, err := x.upload(id); err != nil {
		return err
	}
	if err := os.RemoveAll(x.disk.uploadPath(id)); err != nil {
		return err
	}
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

type completeXML struct {
	XMLName  xml.Name `xml:"CompleteMultipartUploadResult"`
	Location string
	Bucket   string
	Key      string
	ETag     string
	Callback *callbackXML `xml:"CallbackResult,omitempty"`
}

// complete joins the named parts to the object (COS 436/7742).
func (x *exchange) complete(id string) error {
	u, err := x.upload(id)
	if err != nil {
		return err
	}
	c, err := callbackOf(x.r.Header.Get(callbackHeader), x.r.Header.Get(callbackVarHeader))
	if err != nil {
		return err
	}
	chosen, err := x.chosenParts(id)
	if err != nil {
		return err
	}
	st, etag, err := x.join(id, chosen)
	if err != nil {
		return err
	}
	defer st.drop()
	o, err := x.store(st, object{Header: u.Header, ACL: u.ACL, ETag: etag}, "CompleteMultipartUpload", "")
	if err != nil {
		return err
	}
	if err := os.RemoveAll(x.disk.uploadPath(id)); err != nil {
		return err
	}
	x.setWritten(o)
	x.writeXML(http.StatusOK, completeXML{
		Location: x.location(x.key), Bucket: x.opt.Bucket, Key: x.key, ETag: `"` + o.ETag + `"`,
		Callback: x.calledXML(c, o),
	})
	return nil
}

// chosenParts reads the list of parts that a complete request sends and finds them.
func (x *exchange) chosenParts(id string) ([]part, error) {
	var asked struct {
		Parts []struct {
			PartNumber int
			ETag       string
		} `xml:"Part"`
	}
	if err := xml.NewDecoder(io.LimitReader(x.r.Body, 4<<20)).Decode(&asked); err != nil || len(asked.Parts) == 0 {
		return nil, refuse(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed.")
	}
	have, err := x.disk.parts(id)
	if err != nil {
		return nil, err
	}
	chosen := make([]part, 0, len(asked.Parts))
	for _, a := range asked.Parts {
		i, found := slices.BinarySearchFunc(have, a.PartNumber, func(p part, n int) int { return cmp.Compare(p.Number, n) })
		if !found || strings.Trim(a.ETag, `"`) != have[i].ETag {
			return nil, refuse(http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be found.")
		}
		if len(chosen) > 0 && chosen[len(chosen)-1].Number >= a.PartNumber {
			return nil, refuse(http.StatusBadRequest, "InvalidPartOrder", "The list of parts was not in ascending order.")
		}
		chosen = append(chosen, have[i])
	}
	return chosen, nil
}

// join writes the parts one after the other. The ETag is the MD5 of their MD5s with the
// number of parts behind it.
func (x *exchange) join(id string, parts []part) (*staged, string, error) {
	st, err := x.disk.stage()
	if err != nil {
		return nil, "", err
	}
	all := md5.New() //nolint:gosec // see the import
	for _, p := range parts {
		if err := appendFile(st, x.disk.uploadPath(id, partName(p.Number))); err != nil {
			st.drop()
			return nil, "", err
		}
		sum, _ := hex.DecodeString(p.ETag) // our own
		all.Write(sum)
	}
	return st, hex.EncodeToString(all.Sum(nil)) + "-" + strconv.Itoa(len(parts)), nil
}

func appendFile(w io.Writer, path string) error {
	f, err := os.Open(path) //nolint:gosec // a path of our own making
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	_, err = io.Copy(w, f)
	return err
}
