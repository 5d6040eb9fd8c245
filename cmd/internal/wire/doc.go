// Package wire builds everything from the configuration. It is the only place that
// names concrete back ends: the others see interfaces of the package pipeline.
//
// A configuration enters; an App leaves, which gives the producer, the HTTP handler and
// the worker over one set of connections. The caller closes it.
package wire
