// Package cloudbase is a client of the CloudBase gateway, by its HTTP API
// (docs.cloudbase.net/http-api): access tokens, the URLs of files, permissions to put
// them, and documents of its database.
//
// It takes fileIDs and gives what the gateway says, by position; documents go in and out as
// extended JSON. Errors are *pipeline.Error. The package imports pipeline, pipeline/qsign
// and the standard library.
package cloudbase
