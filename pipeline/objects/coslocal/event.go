package coslocal

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"

	"github.com/afterput/afterput/pipeline/qsign"
)

// The shape of the event that COS hands to a function (SCF 583/9707).
type eventJSON struct {
	Records []recordJSON
}

type recordJSON struct {
	COS   cosJSON   `json:"cos"`
	Event innerJSON `json:"event"`
}

type cosJSON struct {
	SchemaVersion  string     `json:"cosSchemaVersion"`
	Object         objectJSON `json:"cosObject"`
	Bucket         bucketJSON `json:"cosBucket"`
	NotificationID string     `json:"cosNotificationId"`
}

type objectJSON struct {
	URL  string            `json:"url"`
	Meta map[string]string `json:"meta"`
	VID  string            `json:"vid"`
	Key  string            `json:"key"`
	Size int64             `json:"size"`
}

type bucketJSON struct {
	Region    string `json:"region"`
	Name      string `json:"name"`
	AppID     string `json:"appid"`
	COSRegion string `json:"cosRegion"`
	S3Region  string `json:"s3Region"`
}

type innerJSON struct {
	Name       string     `json:"eventName"`
	Version    string     `json:"eventVersion"`
	Time       int64      `json:"eventTime"`
	Source     string     `json:"eventSource"`
	Queue      string     `json:"eventQueue"`
	Parameters paramsJSON `json:"requestParameters"`
	Reserved   string     `json:"reservedInfo"`
	ReqID      int        `json:"reqid"`
}

type paramsJSON struct {
	SourceIP string            `json:"requestSourceIP"`
	Headers  map[string]string `json:"requestHeaders"`
}

// emit queues the event of a change. It is called while the bucket is locked, so that the
// events are in the order of the changes. The URL is the one of the real service.
func (x *exchange) emit(name string, o *object, requestType string) {
	meta := map[string]string{"Content-Type": o.Header.Get("Content-Type"), "x-cos-request-id": x.id}
	if requestType != "" {
		meta["Content-Type"] = requestType
	}
	for h, v := range o.Header {
		if strings.HasPrefix(h, metaPrefix) {
			meta[strings.ToLower(h)] = v[0]
		}
	}
	ip, _, err := net.SplitHostPort(x.r.RemoteAddr)
	if err != nil {
		ip = x.r.RemoteAddr
	}
	region := x.opt.Region
	doc, err := json.Marshal(eventJSON{Records: []recordJSON{{
		COS: cosJSON{
			SchemaVersion: "1.0", NotificationID: "unknown",
			Object: objectJSON{
				URL:  "http://" + x.opt.Bucket + ".cos." + region + ".myqcloud.com/" + qsign.EscapePath(o.Key),
				Meta: meta, Key: "/" + x.appid + "/" + x.name + "/" + o.Key, Size: o.Size,
			},
			Bucket: bucketJSON{Region: shortRegion(region), Name: x.name, AppID: x.appid, COSRegion: region, S3Region: region},
		},
		Event: innerJSON{
			Name: name, Version: "1.0", Time: x.now.Unix(), Source: "qcs::cos",
			Queue: "qcs:0:scf:" + region + ":appid/" + x.appid + ":default.afterput.$DEFAULT",
			// The real event quotes the Authorization header; a signature has no place in a queue.
			Parameters: paramsJSON{SourceIP: ip, Headers: map[string]string{"Authorization": ""}},
		},
	}}})
	if err != nil {
		x.opt.Logger.Error("coslocal cannot write an event", "key", o.Key, "error", err)
		return
	}
	x.events.push(event{name: name, key: o.Key, body: doc})
}

// shortRegion gives the short code that cosBucket.region carries; a region without one
// keeps its name.
func shortRegion(region string) string {
	switch region {
	case "ap-guangzhou":
		return "gz"
	case "ap-beijing":
		return "bj"
	case "ap-shanghai":
		return "sh"
	case "ap-chengdu":
		return "cd"
	}
	return region
}

var _ http.Handler = (*Server)(nil)
