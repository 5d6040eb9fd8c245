// Package cloudbase is a client of the CloudBase gateway, by its HTTP API
// (docs.cloudbase.net/http-api): access tokens and the URLs of files.
//
// It takes fileIDs and gives what the gateway says, by position. Errors are
// *pipeline.Error. The package imports pipeline and the standard library.
package cloudbase
