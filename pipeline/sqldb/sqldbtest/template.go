package sqldbtest

import (
	"context"
	"sync"
	"testing"
)

// Template is a database on PostgreSQL that is prepared once for the process and copied for
// each test.
type Template struct {
	// Prepare fills the database of a URL and closes what it opened. Required.
	Prepare func(ctx context.Context, url string) error

	once sync.Once
	err  error
	name string
}

// Postgres gives the URL of a copy, as Postgres gives that of an empty database.
func (p *Template) Postgres(t testing.TB) string {
	t.Helper()
	postgres.ready(t)
	p.once.Do(func() {
		ctx := context.WithoutCancel(t.Context())
		p.name = postgres.newName()
		if p.err = postgres.exec(ctx, "CREATE DATABASE "+p.name); p.err == nil {
			p.err = p.Prepare(ctx, postgresURL(postgres.port, p.name))
		}
	})
	if p.err != nil {
		t.Fatal(p.err)
	}
	port, name := postgres.database(t, " TEMPLATE "+p.name)
	return postgresURL(port, name)
}
