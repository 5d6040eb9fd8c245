// Package events reads what announces uploads: the JSON of COS triggers, also through a
// topic of CMQ or TDMQ (DecodeCOS), of EventBridge (DecodeEventBridge), of clients
// (DecodeUploads), and the callbacks of COS (DecodeCallback) with the token that lets them
// in. Pattern reads owner, order and position from names.
//
// Bytes enter and plain values leave; nothing here asks a bucket or a ledger. Tencent's
// events are read with patience, because Tencent adds fields; our own API is read
// strictly, so that a misspelled field is told and not lost. Errors are *pipeline.Error
// of class Invalid with one of the codes of this package, and name the field. The
// package imports pipeline.
package events
