package coslocal

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/afterput/afterput/pipeline/qsign"
)

// listTime is how listings write times.
const listTime = "2006-01-02T15:04:05.000Z"

// maxList is the most keys of one page (COS 436/7734).
const maxList = 1000

type listXML struct {
	XMLName        xml.Name `xml:"ListBucketResult"`
	Name           string
	EncodingType   string `xml:"EncodingType,omitempty"`
	Prefix         string
	Marker         string
	NextMarker     string `xml:"NextMarker,omitempty"`
	Delimiter      string `xml:"Delimiter,omitempty"`
	MaxKeys        int
	IsTruncated    bool
	Contents       []contentXML `xml:"Contents"`
	CommonPrefixes []prefixXML  `xml:"CommonPrefixes"`
}

type contentXML struct {
	Key          string
	LastModified string
	ETag         string
	Size         int64
	Owner        ownerXML
	StorageClass string
}

type prefixXML struct{ Prefix string }

// list answers with a page of the keys (COS 436/7734).
func (x *exchange) list(q url.Values) error {
	limit := maxList
	if v := q.Get("max-keys"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return invalid("max-keys is not a number")
		}
		limit = min(limit, n)
	}
	encode := func(s string) string { return s }
	switch q.Get("encoding-type") {
	case "":
	case "url":
		encode = qsign.EscapePath
	default:
		return invalid("encoding-type is not url")
	}
	prefix, delimiter := q.Get("prefix"), q.Get("delimiter")
	entries, next, truncated := x.disk.page(prefix, q.Get("marker"), delimiter, limit)
	doc := listXML{
		Name: x.opt.Bucket, EncodingType: q.Get("encoding-type"), MaxKeys: limit, IsTruncated: truncated,
		Prefix: encode(prefix), Marker: encode(q.Get("marker")), Delimiter: encode(delimiter), NextMarker: encode(next),
	}
	for _, e := range entries {
		if e.object == nil {
			doc.CommonPrefixes = append(doc.CommonPrefixes, prefixXML{encode(e.name)})
			continue
		}
		doc.Contents = append(doc.Contents, contentXML{
			Key: encode(e.name), LastModified: e.object.Modified.Format(listTime), ETag: `"` + e.object.ETag + `"`,
			Size: e.object.Size, Owner: x.owner(), StorageClass: "STANDARD",
		})
	}
	x.writeXML(http.StatusOK, doc)
	return nil
}

// entry is an object, or a common prefix where object is nil.
type entry struct {
	name   string
	object *object
}

// page gives up to limit entries that come after marker. next is the last one's name
// where more follow.
func (d *disk) page(prefix, marker, delimiter string, limit int) (entries []entry, next string, truncated bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	i, _ := slices.BinarySearch(d.keys, prefix)
	if marker > prefix {
		var found bool
		if i, found = slices.BinarySearch(d.keys, marker); found {
			i++
		}
	}
	for ; i < len(d.keys); i++ {
		key := d.keys[i]
		if !strings.HasPrefix(key, prefix) {
			break
		}
		e := entry{key, d.objects[key]}
		if folder, ok := folderOf(key, prefix, delimiter); ok {
			if folder <= marker || (len(entries) > 0 && entries[len(entries)-1].name == folder) {
				continue
			}
			e = entry{name: folder}
		}
		if len(entries) == limit {
			return entries, next, limit > 0
		}
		entries, next = append(entries, e), e.name
	}
	return entries, "", false
}

// folderOf gives the common prefix that key is listed under.
func folderOf(key, prefix, delimiter string) (string, bool) {
	if delimiter == "" {
		return "", false
	}
	i := strings.Index(key[len(prefix):], delimiter)
	if i < 0 {
		return "", false
	}
	return key[:len(prefix)+i+len(delimiter)], true
}
