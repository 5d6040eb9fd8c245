// Package openapi is the description of the HTTP API in OpenAPI 3.1, and the door that
// gives it away. The text is openapi.json, written by hand; the tests of the doors hold
// every real answer against it, by openapitest.
package openapi
