// Package sqldb opens the SQL engines that afterput speaks and hides where their
// dialects differ. It is a leaf: it imports no other package of the project.
//
// A database is named by URL:
//
//   - sqlite:///var/lib/afterput/ledger.db (absolute) or sqlite://ledger.db (relative to
//     the working folder). SQLite runs in WAL mode with a busy timeout, every transaction
//     takes the write lock at its start, and there is one writer connection; the file must
//     lie on a local disk, because WAL needs shared memory (sqlite.org/wal.html).
//   - postgres://user:password@host:5432/database?sslmode=verify-full, as libpq has it
//     (postgresql.org/docs/current/libpq-connect.html).
//   - mysql://user:password@host:3306/database?tls=true, for MySQL 8 and MariaDB 10.5 or
//     later. tls is true, skip-verify, preferred or false; socket is a path instead of the
//     host.
//
// The servers run at READ COMMITTED, and what Create opens with UTC as the time zone;
// whoever reads a row in order to write it says ForUpdate. Write runs a transaction again that lost a deadlock, a
// serialization conflict or the race to insert a row.
package sqldb
