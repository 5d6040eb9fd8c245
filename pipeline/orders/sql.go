package orders

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/afterput/afterput/pipeline"
)

// SQL keeps orders in a table of the business. It is safe for use by many goroutines.
type SQL struct {
	db  *sql.DB
	opt Options
	d   dialect

	readQuery, existsQuery    string
	updateQuery, updateIfNull string
}

var _ pipeline.OrderStore = (*SQL)(nil)

// NewSQL makes an order store over an open database, which the caller closes. It does
// not touch the database: see CheckSchema. Errors name the option that is wrong.
func NewSQL(db *sql.DB, opt Options) (*SQL, error) {
	if db == nil {
		return nil, errors.New("orders: no database")
	}
	opt = opt.withDefaults()
	if err := opt.validate(); err != nil {
		return nil, err
	}
	d, err := dialectOf(opt.Dialect)
	if err != nil {
		return nil, err
	}
	s := &SQL{db: db, opt: opt, d: d}
	s.prepare()
	return s, nil
}

// prepare writes the queries. Only quoted names of the options stand in them.
func (s *SQL) prepare() {
	table, key, images := s.d.quote(s.opt.Table), s.d.quote(s.opt.KeyColumn), s.d.quote(s.opt.ImagesColumn)
	owner := "NULL"
	if s.opt.OwnerColumn != "" {
		owner = s.d.text(s.d.quote(s.opt.OwnerColumn))
	}
	set := images + " = " + s.d.placeholder(1)
	if s.opt.UpdatedAtColumn != "" {
		set += ", " + s.d.quote(s.opt.UpdatedAtColumn) + " = CURRENT_TIMESTAMP"
	}
	where := func(n int) string { return " WHERE " + key + " = " + s.d.placeholder(n) }
	update := "UPDATE " + table + " SET " + set + where(2) + " AND "

	s.readQuery = "SELECT " + s.d.text(key) + ", " + s.d.text(images) + ", " + owner + " FROM " + table + where(1) + " LIMIT 2"
	s.existsQuery = "SELECT COUNT(*) FROM " + table + where(1)
	s.updateIfNull = update + images + " IS NULL"
	s.updateQuery = update + s.d.sameText(images, s.d.placeholder(3))
}

// A version is the text that was read behind a mark, because NULL and the empty text differ.
const (
	versionNull = "null"
	versionText = "text:"
)

// ReadOrder reads one order. No row is Waiting; two rows, or an array that is not one of
// strings, are Invalid; a busy database is Transient.
func (s *SQL) ReadOrder(ctx context.Context, id string) (pipeline.Order, error) {
	const op = "orders.read"
	rows, err := s.db.QueryContext(ctx, s.readQuery, id)
	if err != nil {
		return pipeline.Order{}, s.fail(op, id, err)
	}
	defer rows.Close()

	var key, raw, owner sql.NullString
	found := 0
	for rows.Next() {
		if found++; found > 1 {
			return pipeline.Order{}, pipeline.Errorf(pipeline.Invalid, op, id,
				"two rows of %q have this %s: the column has to be unique", s.opt.Table, s.opt.KeyColumn)
		}
		if err := rows.Scan(&key, &raw, &owner); err != nil {
			return pipeline.Order{}, s.fail(op, id, err)
		}
	}
	if err := rows.Err(); err != nil {
		return pipeline.Order{}, s.fail(op, id, err)
	}
	if found == 0 {
		return pipeline.Order{}, s.waiting(op, id)
	}
	if key.String != id {
		// A case-insensitive column finds A12 for a12. Two names of one row would be two
		// orders in the ledger.
		return pipeline.Order{}, pipeline.Errorf(pipeline.Invalid, op, id, "the row found is %q: announce the order by exactly that name", key.String)
	}
	images, err := parseArray(raw.String)
	if err != nil {
		return pipeline.Order{}, pipeline.Errorf(pipeline.Invalid, op, id, "column %q of %q: %w", s.opt.ImagesColumn, s.opt.Table, err)
	}
	version := versionNull
	if raw.Valid {
		version = versionText + raw.String
	}
	return pipeline.Order{ID: id, Owner: owner.String, Images: images, Version: version}, nil
}

// WriteImages replaces the array by one UPDATE, provided that the column still holds the
// very text that was read. Otherwise it is Conflict, or Waiting when the row is gone, and
// nothing has changed.
func (s *SQL) WriteImages(ctx context.Context, was pipeline.Order, images []string) error {
	const op = "orders.write"
	array, err := formatArray(images)
	if err != nil {
		return pipeline.Errorf(pipeline.Invalid, op, was.ID, "%w", err)
	}
	query, args := s.updateIfNull, []any{array, was.ID}
	if raw, ok := strings.CutPrefix(was.Version, versionText); ok {
		query, args = s.updateQuery, append(args, raw)
	} else if was.Version != versionNull {
		return pipeline.Errorf(pipeline.Bug, op, was.ID, "the version is not one of ReadOrder")
	}
	res, err := s.db.ExecContext(ctx, query, args...)
	if err != nil {
		return s.fail(op, was.ID, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return s.fail(op, was.ID, err)
	}
	if n > 0 {
		return nil
	}
	var rows int
	if err := s.db.QueryRowContext(ctx, s.existsQuery, was.ID).Scan(&rows); err != nil {
		return s.fail(op, was.ID, err)
	}
	if rows == 0 {
		return s.waiting(op, was.ID)
	}
	return pipeline.Errorf(pipeline.Conflict, op, was.ID, "the order was written by somebody else since it was read")
}

func (s *SQL) waiting(op, id string) error {
	return pipeline.Errorf(pipeline.Waiting, op, id, "no row of %q has this %s yet", s.opt.Table, s.opt.KeyColumn)
}

func (s *SQL) fail(op, id string, err error) error {
	class := s.d.class(err)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		class = pipeline.Transient
	}
	return &pipeline.Error{Class: class, Op: op, Key: id, Err: err}
}

// CheckSchema tells whether the table and its columns can be read. The error names what
// is missing and the option that asks for it.
func (s *SQL) CheckSchema(ctx context.Context) error {
	const op = "orders.schema"
	rows, err := s.db.QueryContext(ctx, "SELECT * FROM "+s.d.quote(s.opt.Table)+" WHERE 1 = 0")
	if err != nil {
		return s.fail(op, s.opt.Table, fmt.Errorf("the table (option Table) cannot be read: %w", err))
	}
	defer rows.Close()
	have, err := rows.Columns()
	if err != nil {
		return s.fail(op, s.opt.Table, err)
	}
	if err := rows.Err(); err != nil {
		return s.fail(op, s.opt.Table, err)
	}
	var missing []error
	for _, c := range s.opt.columns() {
		if !s.hasColumn(have, c.name) {
			missing = append(missing, fmt.Errorf("there is no column %q (option %s)", c.name, c.option))
		}
	}
	if len(missing) > 0 {
		return pipeline.Errorf(pipeline.Invalid, op, s.opt.Table, "%w; the table has: %s", errors.Join(missing...), strings.Join(have, ", "))
	}
	return nil
}

func (s *SQL) hasColumn(have []string, name string) bool {
	for _, h := range have {
		if h == name || (s.d.foldNames && strings.EqualFold(h, name)) {
			return true
		}
	}
	return false
}
