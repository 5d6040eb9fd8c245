package coslocal

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline/qsign"
)

// callbackHeader asks for an upload callback; callbackVarHeader gives its own variables.
const (
	callbackHeader    = "X-Cos-Callback"
	callbackVarHeader = "X-Cos-Callback-Var"
)

// callback is what an uploader asks for in x-cos-callback (COS 436/106770).
type callback struct {
	// URL is up to five, by semicolons: tried in order until one succeeds.
	URL      string            `json:"callbackUrl"`
	Host     string            `json:"callbackHost"`
	Body     string            `json:"callbackBody"`
	BodyType string            `json:"callbackBodyType"`
	Vars     map[string]string `json:"-"`
}

const (
	maxCallbackURLs = 5
	// callbackWait and callbackMost bound what an address may do. No document says what
	// COS waits for or takes.
	callbackWait = 5 * time.Second
	callbackMost = 1 << 20 // bytes
)

// callbackOf reads the callback that a request asks for; nil for none.
func callbackOf(header, vars string) (*callback, error) {
	if header == "" {
		return nil, nil //nolint:nilnil // none is asked for
	}
	var c callback
	if err := decode64(header, &c); err != nil || c.URL == "" || c.Body == "" {
		return nil, invalid("x-cos-callback is not base64 of JSON with callbackUrl and callbackBody")
	}
	if len(strings.Split(c.URL, ";")) > maxCallbackURLs {
		return nil, invalid("x-cos-callback names more than five URLs")
	}
	switch c.BodyType {
	case "", "application/x-www-form-urlencoded", "application/json":
	default:
		return nil, invalid("callbackBodyType is neither a form nor JSON")
	}
	if vars != "" && decode64(vars, &c.Vars) != nil {
		return nil, invalid("x-cos-callback-var is not base64 of a JSON object of strings")
	}
	return &c, nil
}

func decode64(text string, into any) error {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

// body fills in the variables of the body; unknown ones are empty.
func (c *callback) body(x *exchange, o *object) string {
	known := map[string]string{
		"bucket": x.opt.Bucket, "object": o.Key, "etag": o.ETag, "size": strconv.FormatInt(o.Size, 10),
		"region": x.opt.Region, "mimeType": o.Header.Get("Content-Type"),
	}
	return placeholder.ReplaceAllStringFunc(c.Body, func(name string) string {
		name = name[2 : len(name)-1]
		value := known[name]
		if strings.HasPrefix(name, "x:") {
			value = c.Vars[name]
		}
		if c.BodyType != "application/json" {
			return qsign.Escape(value)
		}
		quoted, _ := json.Marshal(value) // a string has JSON
		return string(quoted)
	})
}

// call asks the addresses and gives the first answer of 2xx.
func (c *callback) call(x *exchange, o *object) (answer []byte, err error) {
	client := &http.Client{Timeout: callbackWait, Transport: &http.Transport{DisableKeepAlives: true}}
	body := c.body(x, o)
	for address := range strings.SplitSeq(c.URL, ";") {
		if !strings.Contains(address, "://") {
			address = "http://" + address
		}
		if answer, err = c.post(x, client, address, body); err == nil {
			return answer, nil
		}
		x.opt.Logger.WarnContext(x.r.Context(), "callback failed", "key", o.Key, "error", err)
	}
	return nil, refuse(http.StatusNonAuthoritativeInfo, "CallbackFailed", "The object is stored; none of the callbacks succeeded.")
}

func (c *callback) post(x *exchange, client *http.Client, address, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(x.r.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", c.BodyType)
	if c.BodyType == "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if c.Host != "" {
		req.Host = c.Host
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	answer, err := io.ReadAll(io.LimitReader(resp.Body, callbackMost))
	if err == nil && resp.StatusCode/100 != 2 {
		err = refuse(resp.StatusCode, "CallbackFailed", "The callback did not answer with 2xx.")
	}
	return answer, err
}

// callbackXML is the part of the answer to a completed multipart upload.
type callbackXML struct {
	Status int
	Body   string            `xml:"CallbackBody,omitempty"` // base64
	Error  *callbackErrorXML `xml:",omitempty"`
}

type callbackErrorXML struct{ Code, Message string }

// called hands on what the callback answered, in place of the usual answer; false where
// none is asked for.
func (x *exchange) called(c *callback, o *object) (bool, error) {
	if c == nil {
		return false, nil
	}
	answer, err := c.call(x, o)
	if err != nil {
		return true, err
	}
	x.w.Header().Set("Content-Type", "application/json")
	x.w.WriteHeader(http.StatusOK)
	_, _ = x.w.Write(answer)
	return true, nil
}

// calledXML is called for the answer to a completed multipart upload.
func (x *exchange) calledXML(c *callback, o *object) *callbackXML {
	if c == nil {
		return nil
	}
	answer, err := c.call(x, o)
	if e, failed := errors.AsType[*apiError](err); failed {
		return &callbackXML{Status: e.status, Error: &callbackErrorXML{e.code, e.message}}
	}
	return &callbackXML{Status: http.StatusOK, Body: base64.StdEncoding.EncodeToString(answer)}
}
