// Package sqldbtest gives tests databases of their own: an SQLite file, or a fresh
// database on a real PostgreSQL or MariaDB server. Each server is started once for the
// test process, on a free loopback port and as an unprivileged user, and ends with the
// process however that ends. A Line is a way to a server that can be cut. It may be
// imported by tests and by the battery (cmd/internal/chaos) only.
package sqldbtest
