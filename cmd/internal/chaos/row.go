package chaos

import (
	"context"

	"github.com/afterput/afterput/cmd/internal/config"
)

// Row is one fault of the battery.
type Row struct {
	// ID is its number; controls begin with C.
	ID string
	// Name says what is broken.
	Name string
	// Short makes it part of the short form.
	Short bool
	// Control switches a protection off, so the counts must fail.
	Control bool
	// Files is how many files a run sends, unless the caller asks for another number.
	Files int
	// Letters are the classes of letters that may be left open at the end, beside those
	// that the generator's own bad files explain.
	Letters []string
	// Ledgers and Redises are the back ends that it can run on, and the first of them is
	// what it runs on unless the caller asks for another one. Empty: on all of them, and
	// on SQLite and a plain Redis by itself.
	Ledgers, Redises []string
	// Tune changes the configuration of the world.
	Tune func(*config.Config)
	// Prepare makes what the world is built on.
	Prepare func(ctx context.Context, b *Bench) error
	// Break sends, breaks and mends. It may leave processes running, or none: the battery
	// sees to it that a healthy serve and worker finish what is left.
	Break func(ctx context.Context, b *Bench) error
}

// Rows gives the battery in its order.
func Rows() []Row {
	var all []Row
	for _, part := range [][]Row{processRows(), redisRows(), failoverRows(), ordersRows(), storageRows(), inputRows(), resourceRows(), operatorRows(), mixedRows(), controlRows()} {
		all = append(all, part...)
	}
	return all
}
