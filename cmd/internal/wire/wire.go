package wire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/telemetry"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/cloudbase"
	"github.com/afterput/afterput/pipeline/credentials"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/objects"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/pipeline/tempurl"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/producer/events"
	"github.com/afterput/afterput/tasks"
)

// App is everything that commands are made of. Its fields are ready to use.
type App struct {
	Config  *config.Config
	Log     *slog.Logger
	Ledger  *ledger.Ledger
	Redis   redis.UniversalClient
	Queue   *tasks.Enqueuer
	Desk    *tasks.Desk
	Objects *objects.Store
	// Orders are the stores of orders by name; nil where no orders database is configured.
	Orders  pipeline.OrderStores
	Cache   *tempurl.Cache
	Buckets pipeline.Buckets
	Metrics *telemetry.Metrics

	accounts accounts
	gateways map[string]*cloudbase.Client // by bucket; those of CloudBase, where there is a key
	rules    map[string]*cloudbase.Rule   // by bucket; those with visibility rule
	// Programs that give keys, by bucket.
	credentials map[string]*credentials.Process

	schemas []func(context.Context) error // look at the stores of orders
	closers []func() error
	faults  faults
}

// Open connects to what the configuration names and migrates the ledger. Redis is not
// asked: whoever needs it finds out. Errors are *OpenError.
func Open(ctx context.Context, cfg *config.Config, log *slog.Logger) (*App, error) {
	a := &App{Config: cfg.Inherited(), Log: log, Metrics: telemetry.New(), faults: newFaults(), accounts: accounts{}}
	for _, open := range []func(context.Context) error{a.openLedger, a.openRedis, a.openObjects, a.openOrders} {
		if err := open(ctx); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	a.watch()
	return a, nil
}

// Part names what could not be opened.
type Part string

// The parts that an OpenError can name.
const (
	PartLedger  Part = "ledger"
	PartRedis   Part = "redis"
	PartStorage Part = "storage"
	PartOrders  Part = "orders"
)

// OpenError says which part could not be opened.
type OpenError struct {
	Part Part
	Err  error
}

// Error names the part and the cause.
func (e *OpenError) Error() string { return string(e.Part) + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *OpenError) Unwrap() error { return e.Err }

func (a *App) openLedger(ctx context.Context) error {
	db, err := sqldb.Create(ctx, a.Config.Ledger.URL.Reveal())
	if err != nil {
		return &OpenError{PartLedger, err}
	}
	a.closers = append(a.closers, db.Close)
	if a.Ledger, err = ledger.New(ledger.Options{
		DB: db, Now: a.faults.now(), Committed: a.faults.committed(), Subscribers: subscribers(a.Config.Hooks),
		Skips: a.posterOptions().Skips,
	}); err == nil {
		err = a.Ledger.Migrate(ctx)
	}
	if err != nil {
		return &OpenError{PartLedger, err}
	}
	return nil
}

func (a *App) openObjects(context.Context) error {
	opt := objects.Options{Observe: a.Metrics.ObjectCall}
	for _, open := range []func() error{a.openCloudBase, a.openCredentials} {
		if err := open(); err != nil {
			return &OpenError{PartStorage, err}
		}
	}
	for _, b := range a.Config.Buckets {
		a.Buckets = append(a.Buckets, pipeline.Bucket{Name: b.Name, Env: b.Env, Aliases: b.Aliases})
		bo := bucketOptions(b)
		if p := a.credentials[b.Name]; p != nil {
			bo.Keys = p
		}
		if g := a.gateways[b.Name]; g != nil {
			bo.Uploads = g
		}
		opt.Buckets = append(opt.Buckets, bo)
	}
	store, err := objects.New(opt)
	if err != nil {
		return &OpenError{PartStorage, err}
	}
	a.Objects = store
	a.closers = append(a.closers, store.Close)
	return nil
}

// Close closes every connection.
func (a *App) Close() error {
	var errs error
	for _, closer := range slices.Backward(a.closers) {
		errs = errors.Join(errs, closer())
	}
	return errs
}

// Producer makes the producer over the App.
func (a *App) Producer() (*producer.Producer, error) {
	opt := producer.Options{
		CallbackSecret: []byte(a.Config.Auth.CallbackSecret.Reveal()),
		Ledger:         a.Ledger, Queue: a.Queue, Objects: a.Objects, Buckets: a.Buckets,
		Stores: a.Orders.Names(), ByBucket: make(map[string]producer.Rules), Logger: a.Log,
	}
	for _, b := range a.Config.Buckets {
		rules := producer.Rules{
			OwnerRequired: b.Owners.Required, Orders: a.takesOrders(b), Store: storeName(b),
			Derivative: a.thumbnailOptions(b.Name).Derivative,
		}
		if s := b.Events.PathPattern; s != "" {
			var err error
			if rules.Pattern, err = events.ParsePattern(s); err != nil {
				return nil, fmt.Errorf("events.pathPattern of %s %w", b.Name, err)
			}
		}
		opt.ByBucket[b.Name] = rules
	}
	return producer.New(opt)
}

func (a *App) timeouts() map[pipeline.Step]time.Duration {
	t := a.Config.Timeouts
	return map[pipeline.Step]time.Duration{
		pipeline.StepCheck: t.Check, pipeline.StepThumbnail: t.Thumbnail, pipeline.StepAttach: t.Attach,
		pipeline.StepWarm: t.Warm, pipeline.StepNotify: t.Notify,
	}
}

// bucket gives the configuration of a bucket, and that of all for one that is not there any
// more.
func (a *App) bucket(name string) config.Bucket {
	for _, b := range a.Config.Buckets {
		if b.Name == name {
			return b
		}
	}
	all := &config.Config{Check: a.Config.Check, Thumbnails: a.Config.Thumbnails, Buckets: []config.Bucket{{Name: name}}}
	return all.Inherited().Buckets[0]
}

func (a *App) thumbnailOptions(bucket string) pipeline.ThumbnailOptions {
	t := a.bucket(bucket).Thumbnails
	opt := pipeline.ThumbnailOptions{Prefix: t.Prefix, CacheControl: t.CacheControl}
	for _, p := range t.Presets {
		opt.Presets = append(opt.Presets, pipeline.Preset{
			Name: p.Name, Width: p.Width, Height: p.Height, Mode: pipeline.Mode(p.Mode), Enlarge: p.Enlarge,
			Background: p.Background, Quality: p.Quality, Format: pipeline.Format(p.Format),
		})
	}
	return opt
}

// Presets are the sizes of thumbnails that are configured for a bucket.
func (a *App) Presets(bucket string) []pipeline.Preset { return a.thumbnailOptions(bucket).Presets }

// ThumbnailKey names a thumbnail of an object.
func (a *App) ThumbnailKey(bucket, preset, key string) string {
	return a.thumbnailOptions(bucket).Key(preset, key)
}
