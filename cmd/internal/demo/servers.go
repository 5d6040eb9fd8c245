package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/afterput/afterput/cmd/internal/config"
)

// Servers are real ones that the demo runs on. The zero value is the embedded world.
type Servers struct {
	// Database is where the demo makes room for ledger and orders, as ledger.url has it.
	// Empty: SQLite files in the folder of the demo.
	Database config.URL
	// Redis is the engine. Without a URL it is the embedded one.
	Redis config.Redis
}

// Used tells whether there is any.
func (s Servers) Used() bool { return s.Database != "" || s.Redis.URL != "" }

// TakenError says that the demo would mix with what is there already.
type TakenError struct {
	// What is there.
	What string
	// Ours says that a demo left it, which Clean removes.
	Ours bool
}

// Error says what is there.
func (e *TakenError) Error() string { return e.What }

// cleanTime is how long the demo takes at most to remove what it made.
const cleanTime = time.Minute

// guest is the demo on servers: what it has made there.
type guest struct {
	room *room // nil without a database
	line *line // nil without a Redis
}

// visit makes a guest of servers, without touching them.
func visit(s Servers) (*guest, error) {
	g := &guest{}
	var err error
	if s.Database != "" {
		if g.room, err = roomIn(s.Database.Reveal()); err != nil {
			return nil, err
		}
	}
	if s.Redis.URL != "" {
		if g.line, err = lineOf(s.Redis); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// claim makes room on the servers, or gives a *TakenError and leaves everything as it was.
// mark says whose room it is.
func (g *guest) claim(ctx context.Context, mark string) error {
	if g.room != nil {
		if err := g.room.claim(ctx, mark); err != nil {
			return err
		}
	}
	if g.line == nil {
		return nil
	}
	err := g.line.claim(ctx, mark)
	if err != nil && g.room != nil {
		err = errors.Join(err, g.room.clean(ctx))
	}
	return err
}

// clean removes what claim made, with everything that came into it. It goes on when ctx has
// ended.
func (g *guest) clean(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTime)
	defer cancel()
	var err error
	if g.line != nil {
		err = g.line.clean(ctx)
	}
	if g.room != nil {
		err = errors.Join(err, g.room.clean(ctx))
	}
	if err != nil {
		return fmt.Errorf("what the demo made is still there: %w", err)
	}
	return nil
}

func (g *guest) close() {
	if g.line != nil {
		_ = g.line.rdb.Close()
	}
}

// database is the URL of the room, or empty.
func (g *guest) database() string {
	if g.room == nil {
		return ""
	}
	return g.room.url
}

// where names what the demo uses, for people.
func (g *guest) where() string {
	switch {
	case g.room == nil:
		return g.line.name
	case g.line == nil:
		return g.room.name
	}
	return g.room.name + " and " + g.line.name
}

// Clean removes what a demo left on servers: one that was told to keep it, or one that was
// killed. It removes nothing that bears no mark of a demo, and nothing while workers run.
func Clean(ctx context.Context, opt Options) error {
	g, err := visit(opt.Servers)
	if err != nil {
		return err
	}
	defer g.close()
	if g.line != nil {
		if err := g.line.idle(ctx); err != nil {
			return err
		}
	}
	return g.clean(ctx)
}
