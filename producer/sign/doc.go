// Package sign gives away signatures for direct uploads: /put-sign and /post-policy, in
// the flat JSON of Tencent's sample server (tencentyun/cos-demo, server/upload-sign), so
// that the clients of its guides work as they are.
//
// A request of an authenticated caller enters, with an extension and perhaps an order and
// a position; a new key under users/{openid}/ leaves, with a signature that allows this
// one key and nothing else. The ledger knows whose it is and which order it is for before
// the signature leaves, so that the event of the upload alone finds its order.
//
// The package imports pipeline, pipeline/ledger, pipeline/qsign, pipeline/seldom,
// producer/auth and, for the codes and bounds that announcements have as well,
// producer/events.
package sign
