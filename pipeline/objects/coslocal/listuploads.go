package coslocal

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

type listUploadsXML struct {
	XMLName     xml.Name `xml:"ListMultipartUploadsResult"`
	Bucket      string
	Prefix      string
	MaxUploads  int
	IsTruncated bool
	Uploads     []uploadXML `xml:"Upload"`
}

type uploadXML struct {
	Key          string
	UploadID     string `xml:"UploadId"`
	StorageClass string
	Owner        ownerXML
	Initiated    string
}

// listUploads answers with every multipart upload under way below a prefix, by key and
// oldest first (COS 436/7736). SDKs look here for one to take up again.
func (x *exchange) listUploads(q url.Values) error {
	names, err := filepath.Glob(x.disk.uploadPath("*", "upload.json"))
	if err != nil {
		return err
	}
	doc := listUploadsXML{Bucket: x.opt.Bucket, Prefix: q.Get("prefix"), MaxUploads: maxList}
	for _, name := range names {
		var u upload
		if err := readJSON(name, &u); err != nil {
			continue // completed or aborted just now
		}
		if strings.HasPrefix(u.Key, doc.Prefix) {
			doc.Uploads = append(doc.Uploads, uploadXML{
				Key: u.Key, UploadID: filepath.Base(filepath.Dir(name)), StorageClass: "STANDARD",
				Owner: x.owner(), Initiated: u.Initiated.Format(listTime),
			})
		}
	}
	slices.SortFunc(doc.Uploads, func(a, b uploadXML) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Initiated, b.Initiated), cmp.Compare(a.UploadID, b.UploadID))
	})
	x.writeXML(http.StatusOK, doc)
	return nil
}
