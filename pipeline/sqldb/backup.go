package sqldb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Backup writes the database, as it is in one moment, into a new file, while others read
// and write. It needs as much room as the database has rows. The file is checked and on
// disk when it has its name; a Backup that is cut short leaves nothing but path.part. A
// path that exists is refused with fs.ErrExist, and kept. Databases of a server are refused
// with errors.ErrUnsupported: they have tools of their own.
func (db *DB) Backup(ctx context.Context, path string) error {
	if db.Engine != SQLite {
		return fmt.Errorf("backup %s: %w: use the tools of the server, such as pg_dump or mariadb-dump --single-transaction",
			db.name, errors.ErrUnsupported)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("backup %s: %w", path, errors.Join(err, fs.ErrExist))
	}
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("backup: %w", err)
	}
	// A file that SQLite makes itself would be readable by all.
	if err := os.WriteFile(part, nil, 0o600); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := db.backup(ctx, part, path); err != nil {
		return fmt.Errorf("backup %s: %w", path, errors.Join(err, os.Remove(part)))
	}
	return syncDir(filepath.Dir(path))
}

func (db *DB) backup(ctx context.Context, part, path string) error {
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", part); err != nil { // sqlite.org/lang_vacuum.html#vacuuminto
		return err
	}
	if err := quickCheck(ctx, part); err != nil {
		return err
	}
	if err := syncFile(part); err != nil { // VACUUM INTO does not
		return err
	}
	return os.Rename(part, path)
}

// quickCheck reads a file that SQLite wrote, without changing its journal mode.
func quickCheck(ctx context.Context, path string) error {
	db, err := openReadOnly(path)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var said string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said); err != nil {
		return err
	}
	if said != "ok" {
		return fmt.Errorf("the copy is damaged: %s", said)
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // the caller names the file
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncDir keeps a new name over a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the caller names the folder
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
