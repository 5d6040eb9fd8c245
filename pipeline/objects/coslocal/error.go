package coslocal

import (
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"

	"github.com/afterput/afterput/pipeline/qsign"
)

// apiError is an answer of the error format of COS (COS 436/7730).
type apiError struct {
	status        int
	code, message string
}

func (e *apiError) Error() string { return strconv.Itoa(e.status) + " " + e.code + ": " + e.message }

func refuse(status int, code, message string) error {
	return &apiError{status: status, code: code, message: message}
}

func denied(message string) error { return refuse(http.StatusForbidden, "AccessDenied", message) }

func invalid(message string) error {
	return refuse(http.StatusBadRequest, "InvalidArgument", message)
}

func noSuchKey() error {
	return refuse(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

func notImplemented(r *http.Request) error {
	return refuse(http.StatusNotImplemented, "NotImplemented", "coslocal does not speak "+r.Method+" of this resource")
}

// signatureRefused maps what qsign says to the codes of COS.
func signatureRefused(err error) error {
	switch {
	case errors.Is(err, qsign.NotYetValid):
		return refuse(http.StatusForbidden, "RequestTimeTooSkewed",
			"The difference between the request time and the server's time is too large.")
	case errors.Is(err, qsign.UnknownKey):
		return refuse(http.StatusForbidden, "InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records")
	case errors.Is(err, qsign.Mismatch):
		return refuse(http.StatusForbidden, "SignatureDoesNotMatch",
			"The Signature you specified is invalid: "+err.Error())
	case errors.Is(err, qsign.Expired):
		return denied("Request has expired")
	}
	return denied(err.Error())
}

// policyRefused maps what qsign says of a POST policy (COS 436/41164, 436/39963).
func policyRefused(err error) error {
	switch {
	case errors.Is(err, qsign.Expired):
		return denied("You post object request has been expired")
	case errors.Is(err, qsign.TooLarge):
		return refuse(http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
	case errors.Is(err, qsign.TooSmall):
		return refuse(http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed object size.")
	case errors.Is(err, qsign.Violated):
		return denied(err.Error())
	}
	return signatureRefused(err)
}

type errorXML struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Resource  string
	RequestID string `xml:"RequestId"`
	TraceID   string `xml:"TraceId"`
}

// fail answers with an error. An error of the disk is a 500.
func (x *exchange) fail(err error) {
	var e *apiError
	if !errors.As(err, &e) {
		e = &apiError{http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again."}
		x.opt.Logger.Error("coslocal failed", "method", x.r.Method, "key", x.key, "request", x.id, "error", err)
	} else {
		x.opt.Logger.Info("coslocal refused", "method", x.r.Method, "key", x.key, "request", x.id,
			"status", e.status, "code", e.code, "message", e.message)
	}
	if x.r.Method == http.MethodHead || e.status == http.StatusNotModified {
		x.w.WriteHeader(e.status)
		return
	}
	x.writeXML(e.status, errorXML{
		Code: e.code, Message: e.message, Resource: x.opt.Bucket + "/" + x.key,
		RequestID: x.id, TraceID: randomID(),
	})
}

// writeXML answers with a document. A client that is gone is no concern of ours.
func (x *exchange) writeXML(status int, doc any) {
	body, err := xml.Marshal(doc)
	if err != nil {
		x.opt.Logger.Error("coslocal cannot write XML", "request", x.id, "error", err)
		x.w.WriteHeader(http.StatusInternalServerError)
		return
	}
	body = append([]byte(xml.Header), body...)
	x.w.Header().Set("Content-Type", "application/xml")
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body)
}
