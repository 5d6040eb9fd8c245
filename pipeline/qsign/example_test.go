package qsign_test

import (
	"fmt"
	"time"

	"github.com/afterput/afterput/pipeline/qsign"
)

func ExampleAuthorization() {
	key := qsign.Key{ID: "AKIDexample", Secret: "secret"}
	now := time.Unix(1_800_000_000, 0)
	req := qsign.Request{
		Method: "PUT", Path: "/users/openid/photo.jpg",
		Header: qsign.Host("photos-1250000000.cos.ap-guangzhou.myqcloud.com"),
	}
	auth := qsign.Authorization(key, req, qsign.Valid(now, 15*time.Minute))

	known := func(id string) (string, bool) { return key.Secret, id == key.ID }
	fmt.Println(qsign.VerifyString(auth, req, known, now))
	_, err := qsign.VerifyString(auth, req, known, now.Add(time.Hour))
	fmt.Println(err)
	// Output:
	// AKIDexample <nil>
	// qsign: the signature has expired: the signature ended at 1800000900, the clock says 1800003600
}
