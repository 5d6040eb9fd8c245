package coslocal

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// put stores the body of a PUT (COS 436/7749).
func (x *exchange) put() error {
	acl, err := parseACL(x.r.Header.Get("X-Cos-Acl"))
	if err != nil {
		return err
	}
	c, err := callbackOf(x.r.Header.Get(callbackHeader), x.r.Header.Get(callbackVarHeader))
	if err != nil {
		return err
	}
	st, err := x.receiveBody()
	if err != nil {
		return err
	}
	defer st.drop()
	o, err := x.store(st, object{Header: keptHeader(x.r.Header), ACL: acl}, "Put", "")
	if err != nil {
		return err
	}
	x.setWritten(o)
	if called, err := x.called(c, o); called {
		return err
	}
	x.w.WriteHeader(http.StatusOK)
	return nil
}

// store commits an upload under x.key, and emits its event with requestType as the
// Content-Type of the event's meta; empty for the object's own.
func (x *exchange) store(st *staged, o object, how, requestType string) (*object, error) {
	o.Key, o.Modified = x.key, x.now.UTC().Truncate(time.Second)
	var kept *object
	fresh := strings.EqualFold(x.r.Header.Get("X-Cos-Forbid-Overwrite"), "true")
	err := x.disk.commit(st, o, fresh, func(o *object) {
		kept = o
		x.emit("cos:ObjectCreated:"+how, o, requestType)
	})
	if errors.Is(err, errExists) {
		return nil, refuse(http.StatusConflict, "FileAlreadyExists", "The object exists and must not be overwritten.")
	}
	return kept, err
}

// setWritten writes the headers that answer an upload. The fault WrongCRC is here.
func (x *exchange) setWritten(o *object) {
	crc := o.CRC64
	if _, ok := x.faults.fire(WrongCRC, x.r.Method, x.key); ok {
		crc ^= 1
	}
	x.w.Header().Set("ETag", `"`+o.ETag+`"`)
	x.w.Header().Set("X-Cos-Hash-Crc64ecma", strconv.FormatUint(crc, 10))
}

func (x *exchange) delete() error {
	err := x.disk.remove(x.key, func(o *object) { x.emit("cos:ObjectRemove:Delete", o, "") })
	if err != nil {
		return err
	}
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

type copyXML struct {
	XMLName      xml.Name `xml:"CopyObjectResult"`
	ETag         string
	LastModified string
	CRC64        uint64
}

// copy stores an object of this bucket under another key (COS 436/10881).
func (x *exchange) copy() error {
	acl, err := parseACL(x.r.Header.Get("X-Cos-Acl"))
	if err != nil {
		return err
	}
	source, err := x.copySource()
	if err != nil {
		return err
	}
	from, f, ok, err := x.disk.open(source)
	if err != nil {
		return err
	}
	if !ok {
		return noSuchKey()
	}
	defer f.Close() //nolint:errcheck // only read
	header := from.Header.Clone()
	if strings.EqualFold(x.r.Header.Get("X-Cos-Metadata-Directive"), "Replaced") {
		header = keptHeader(x.r.Header)
	}
	st, err := x.receive(io.LimitReader(f, from.Size), from.Size)
	if err != nil {
		return err
	}
	defer st.drop()
	o, err := x.store(st, object{Header: header, ACL: acl, ETag: from.ETag}, "Copy", "")
	if err != nil {
		return err
	}
	x.setWritten(o)
	x.writeXML(http.StatusOK, copyXML{ETag: `"` + o.ETag + `"`, LastModified: o.Modified.Format(listTime), CRC64: o.CRC64})
	return nil
}

// copySource gives the key of x-cos-copy-source, "host/escaped key". The host must be this
// server or begin with its bucket.
func (x *exchange) copySource() (string, error) {
	host, path, ok := strings.Cut(x.r.Header.Get("X-Cos-Copy-Source"), "/")
	path, _, _ = strings.Cut(path, "?")
	key, err := url.PathUnescape(path)
	if !ok || err != nil || key == "" {
		return "", invalid("x-cos-copy-source is not host/key")
	}
	if host != x.r.Host && !strings.HasPrefix(host, x.opt.Bucket+".") {
		return "", invalid("x-cos-copy-source is in another bucket")
	}
	return key, nil
}
