package orders

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/afterput/afterput/pipeline"
)

const opSchema = "orders.schema"

// Schema is what Inspect found of the table.
type Schema struct {
	// ImagesType is the type of the array's column in the engine's words; empty where the
	// columns could not be listed.
	ImagesType string
	// KeyUnique says that the key column alone has a unique index. Without one, two rows
	// can be one order, and an attach may read and lock the whole table.
	KeyUnique bool
}

// CheckSchema tells whether orders can be read and written: see Inspect.
func (s *SQL) CheckSchema(ctx context.Context) error {
	_, err := s.Inspect(ctx)
	return err
}

// Inspect compares the options with the live table: whether its columns are there, of
// types that suit, and may be read and written by this user. It runs what an attach runs,
// on no row, in a transaction that it rolls back. The error names what is wrong and the
// option that asks for it.
func (s *SQL) Inspect(ctx context.Context) (Schema, error) {
	var found Schema
	types, err := s.columnTypes(ctx)
	if err != nil {
		return found, err
	}
	if types != nil {
		if found.ImagesType, err = s.checkTypes(types); err != nil {
			return found, err
		}
	}
	if err := s.rehearse(ctx); err != nil {
		return found, err
	}
	query, args := s.d.unique(s.table, s.opt.KeyColumn)
	var indexes int
	if err := s.db.QueryRowContext(ctx, query, args...).Scan(&indexes); err != nil {
		return found, s.fail(opSchema, s.opt.Table, err)
	}
	found.KeyUnique = indexes > 0
	return found, nil
}

// columnTypes lists the columns of the table; nil where this user may not see them all.
func (s *SQL) columnTypes(ctx context.Context) ([]*sql.ColumnType, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT * FROM "+s.d.quoteTable(s.table)+" WHERE 1 = 0")
	if err != nil {
		if s.d.class(err) == pipeline.Denied {
			return nil, nil
		}
		return nil, s.unreadable(err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err == nil {
		err = rows.Err()
	}
	if err != nil {
		return nil, s.fail(opSchema, s.opt.Table, err)
	}
	return types, nil
}

func (s *SQL) unreadable(err error) error {
	return s.fail(opSchema, s.opt.Table, fmt.Errorf("the table (option Table) cannot be read: %w", err))
}

// checkTypes finds the columns of the options and gives the type of the array's.
func (s *SQL) checkTypes(types []*sql.ColumnType) (images string, err error) {
	var wrong []error
	for _, c := range s.opt.columns() {
		i := slices.IndexFunc(types, func(t *sql.ColumnType) bool {
			return t.Name() == c.name || (s.d.foldNames && strings.EqualFold(t.Name(), c.name))
		})
		if i < 0 {
			wrong = append(wrong, fmt.Errorf("there is no column %q (option %s)", c.name, c.option))
			continue
		}
		kind := types[i].DatabaseTypeName()
		switch {
		case c.option == optImages:
			images = kind
		case c.option == optUpdatedAt && numeric(kind):
			wrong = append(wrong, fmt.Errorf("the column %q (option %s) is a %s and not a date with time", c.name, c.option, kind))
		}
	}
	if len(wrong) == 0 {
		return images, nil
	}
	have := make([]string, len(types))
	for i, t := range types {
		have[i] = t.Name()
	}
	return "", pipeline.Errorf(pipeline.Invalid, opSchema, s.opt.Table, "%w; the table has: %s", errors.Join(wrong...), strings.Join(have, ", "))
}

// numeric tells whether a column of a type takes a clock's reading as a number.
func numeric(kind string) bool {
	kind = strings.ToUpper(kind)
	return slices.ContainsFunc([]string{"INT", "DECIMAL", "NUMERIC", "DOUBLE", "FLOAT", "REAL"},
		func(part string) bool { return strings.Contains(kind, part) })
}

// rehearse runs the statements of an attach on no row.
func (s *SQL) rehearse(ctx context.Context) error {
	array, kind := s.d.array("(SELECT " + s.d.quote(s.opt.ImagesColumn) + " FROM " + s.d.quoteTable(s.table) + " WHERE 1 = 0)")
	var none sql.NullString
	var name string
	if err := s.db.QueryRowContext(ctx, "SELECT "+array+", "+kind).Scan(&none, &name); err != nil {
		return s.unreadable(err)
	}
	if _, err := s.d.decode("", name); err != nil {
		return pipeline.Errorf(pipeline.Invalid, opSchema, s.opt.Table, "the column %q (option %s): %w", s.opt.ImagesColumn, optImages, err)
	}
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: s.d.isolation})
	if err != nil {
		return s.fail(opSchema, s.opt.Table, err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, s.selectRow("1 = 0")+s.d.lock); err != nil {
		return s.fail(opSchema, s.opt.Table, fmt.Errorf("the columns cannot be read and locked: %w", err))
	}
	if _, err := tx.ExecContext(ctx, s.update(name, "1 = 0"), "[]"); err != nil {
		return s.fail(opSchema, s.opt.Table, fmt.Errorf("the columns cannot be written: %w", err))
	}
	return nil
}
