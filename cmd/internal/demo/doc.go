// Package demo does the main job once on real photos in the dev world: phones upload
// by signed requests, events arrive doubled, out of order and sometimes not at all, bad
// files are among them, and in the end everything is counted from outside.
//
// The truth is sent.jsonl, which is synced to disk before each send. The judge compares
// it with the orders database, the bucket and the ledger and names whatever does not
// add up.
package demo
