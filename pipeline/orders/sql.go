package orders

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/afterput/afterput/pipeline"
)

// SQL keeps orders in a table of the business. It is safe for use by many goroutines.
type SQL struct {
	db    *sql.DB
	opt   Options
	d     dialect
	table tableName

	readQuery, lockQuery string
}

var _ pipeline.OrderStore = (*SQL)(nil)

// NewSQL makes an order store over an open database, which the caller closes. It does
// not touch the database: see Inspect. Errors name the option that is wrong.
func NewSQL(db *sql.DB, opt Options) (*SQL, error) {
	if db == nil {
		return nil, errors.New("orders: no database")
	}
	opt = opt.withDefaults()
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	d, err := dialectOf(opt.Dialect)
	if err != nil {
		return nil, err
	}
	table, err := parseTable(opt.Table)
	if err != nil {
		return nil, err
	}
	s := &SQL{db: db, opt: opt, d: d, table: table}
	s.readQuery = s.selectRow(s.hasKey(1)) + " LIMIT 2"
	s.lockQuery = s.readQuery + d.lock
	return s, nil
}

// selectRow writes the query of what a row scans. Only quoted names of the options stand
// in it.
func (s *SQL) selectRow(where string) string {
	array, kind := s.d.array(s.d.quote(s.opt.ImagesColumn))
	owner := "NULL"
	if s.opt.OwnerColumn != "" {
		owner = s.d.text(s.d.quote(s.opt.OwnerColumn))
	}
	return "SELECT " + s.d.text(s.d.quote(s.opt.KeyColumn)) + ", " + array + ", " + kind + ", " + owner +
		" FROM " + s.d.quoteTable(s.table) + " WHERE " + where
}

// update writes the statement that stores its first parameter in a column of a kind.
func (s *SQL) update(kind, where string) string {
	set := s.d.quote(s.opt.ImagesColumn) + " = " + s.d.store(kind, s.d.placeholder(1))
	if s.opt.UpdatedAtColumn != "" {
		set += ", " + s.d.quote(s.opt.UpdatedAtColumn) + " = " + s.d.now
	}
	return "UPDATE " + s.d.quoteTable(s.table) + " SET " + set + " WHERE " + where
}

// hasKey is the condition that the n-th parameter is the order's ID.
func (s *SQL) hasKey(n int) string { return s.d.quote(s.opt.KeyColumn) + " = " + s.d.placeholder(n) }

// row is an order as its table holds it.
type row struct {
	array sql.NullString // as dialect.array reads it
	kind  string
	owner string
}

// version tells rows apart by everything that an attach goes by. NULL and the empty text
// differ.
func (r row) version() string {
	array := "null"
	if r.array.Valid {
		array = "text:" + r.array.String
	}
	return r.owner + "\x00" + array
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// row finds the one row of an order. No row is Waiting; two, or one of another name, are
// Invalid.
func (s *SQL) row(ctx context.Context, q querier, query, op, id string) (r row, err error) {
	if !utf8.ValidString(id) || strings.ContainsRune(id, 0) {
		return r, pipeline.Errorf(pipeline.Invalid, op, id, "no database of texts holds such an ID")
	}
	rows, err := q.QueryContext(ctx, query, id)
	if err != nil {
		return r, s.failRow(op, id, err)
	}
	defer rows.Close()

	var key, owner sql.NullString
	found := 0
	for rows.Next() {
		if found++; found > 1 {
			return r, pipeline.Errorf(pipeline.Invalid, op, id,
				"two rows of %q have this %s: the column has to be unique", s.opt.Table, s.opt.KeyColumn)
		}
		if err := rows.Scan(&key, &r.array, &r.kind, &owner); err != nil {
			return r, s.failRow(op, id, err)
		}
	}
	if err := rows.Err(); err != nil {
		return r, s.failRow(op, id, err)
	}
	if found == 0 {
		return r, s.waiting(op, id)
	}
	if key.String != id {
		// A case-insensitive column finds A12 for a12. Two names of one row would be two
		// orders in the ledger.
		return r, pipeline.Errorf(pipeline.Invalid, op, id, "the row found is %q: announce the order by exactly that name", key.String)
	}
	r.owner = owner.String
	return r, nil
}

// ReadOrder reads one order. No row is Waiting; two rows, or an array that is not one of
// strings, are Invalid; a busy database is Transient.
func (s *SQL) ReadOrder(ctx context.Context, id string) (pipeline.Order, error) {
	const op = "orders.read"
	r, err := s.row(ctx, s.db, s.readQuery, op, id)
	if err != nil {
		return pipeline.Order{}, err
	}
	text, err := s.d.decode(r.array.String, r.kind)
	if err != nil {
		return pipeline.Order{}, s.invalidArray(op, id, err)
	}
	images, err := parseArray(text)
	if err != nil {
		return pipeline.Order{}, s.invalidArray(op, id, err)
	}
	return pipeline.Order{ID: id, Owner: r.owner, Images: images, Version: r.version()}, nil
}

func (s *SQL) invalidArray(op, id string, err error) error {
	return pipeline.Errorf(pipeline.Invalid, op, id, "column %q of %q: %w", s.opt.ImagesColumn, s.opt.Table, err)
}

const (
	// maxRuns is how often a transaction runs that loses deadlocks against others.
	maxRuns = 10
	// pause is how long it waits before the second run, about; later ones wait longer.
	pause = 5 * time.Millisecond
)

// WriteImages replaces the array in one transaction that holds the row: it locks it,
// compares it with what was read, and writes. A row with another array or owner by now is
// Conflict, one that is gone Waiting, and nothing has changed. What loses a deadlock or a
// serialization conflict runs again, a few times.
func (s *SQL) WriteImages(ctx context.Context, was pipeline.Order, images []string) error {
	const op = "orders.write"
	if was.Version == "" {
		return pipeline.Errorf(pipeline.Bug, op, was.ID, "the version is not one of ReadOrder")
	}
	array, err := formatArray(images)
	if err != nil {
		return pipeline.Errorf(pipeline.Invalid, op, was.ID, "%w", err)
	}
	for run := 1; ; run++ {
		err := s.write(ctx, op, was, array)
		if err == nil || run == maxRuns || !s.d.again(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause*time.Duration(run)/2 + rand.N(pause*time.Duration(run))): //nolint:gosec // jitter needs no secret
		}
	}
}

// write runs one transaction.
func (s *SQL) write(ctx context.Context, op string, was pipeline.Order, array string) error {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: s.d.isolation})
	if err != nil {
		return s.fail(op, was.ID, err)
	}
	defer func() { _ = tx.Rollback() }()

	r, err := s.row(ctx, tx, s.lockQuery, op, was.ID)
	if err != nil {
		return err
	}
	if r.version() != was.Version {
		return pipeline.Errorf(pipeline.Conflict, op, was.ID, "the order was written by somebody else since it was read")
	}
	if _, err := tx.ExecContext(ctx, s.update(r.kind, s.hasKey(2)), array, was.ID); err != nil {
		return s.fail(op, was.ID, err)
	}
	if err := tx.Commit(); err != nil {
		return s.fail(op, was.ID, err)
	}
	return nil
}

func (s *SQL) waiting(op, id string) error {
	return pipeline.Errorf(pipeline.Waiting, op, id, "no row of %q has this %s yet", s.opt.Table, s.opt.KeyColumn)
}

// failRow is fail for a query whose only parameter is an order's ID.
func (s *SQL) failRow(op, id string, err error) error {
	if s.d.noSuchKey(err) {
		return s.waiting(op, id)
	}
	return s.fail(op, id, err)
}

func (s *SQL) fail(op, id string, err error) error {
	class := s.d.class(err)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		class = pipeline.Transient
	}
	return &pipeline.Error{Class: class, Op: op, Key: id, Err: err}
}
