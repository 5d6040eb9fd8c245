// Package openapitest holds real answers against the document of the HTTP API. It reads
// openapi.json and nothing else of afterput, so that the tests of every door can use it.
package openapitest
