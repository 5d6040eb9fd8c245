// Package regenerate has thumbnails made again that are missing or stale by the presets of
// now, and only those: after a preset was added or changed. It reads the ledger page by
// page, in constant memory, and wishes for the thumbnail steps; workers do the rest. The
// command line calls it. A run that is cut off is continued by the next.
package regenerate
