// Package sqldb opens the SQL engines that afterput speaks and hides where their
// dialects differ. It is a leaf: it imports no other package of the project.
//
// A database is named by URL: sqlite:///var/lib/afterput/ledger.db (absolute) or
// sqlite://ledger.db (relative to the working folder). SQLite runs in WAL mode with a
// busy timeout, every transaction takes the write lock at its start, and there is one
// writer connection; the file must lie on a local disk, because WAL needs shared
// memory (sqlite.org/wal.html).
package sqldb
