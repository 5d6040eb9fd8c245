package config

import "time"

// Config is every setting. Default gives one with all defaults, Load one from the
// outside. The yaml tags are the names of the keys, the enum tags the allowed values.
type Config struct {
	Redis      Redis      `yaml:"redis"`
	Ledger     Ledger     `yaml:"ledger"`
	Orders     Orders     `yaml:"orders"`
	Buckets    []Bucket   `yaml:"buckets"`
	Owners     Owners     `yaml:"owners"`
	Check      Check      `yaml:"check"`
	Thumbnails Thumbnails `yaml:"thumbnails"`
	TempURL    TempURL    `yaml:"tempurl"`
	CloudBase  CloudBase  `yaml:"cloudbase"`
	Hooks      Hooks      `yaml:"hooks"`
	HTTP       HTTP       `yaml:"http"`
	Auth       Auth       `yaml:"auth"`
	Events     Events     `yaml:"events"`
	Sign       Sign       `yaml:"sign"`
	Monitor    Monitor    `yaml:"monitor"`
	Pools      Pools      `yaml:"pools"`
	Retry      Retry      `yaml:"retry"`
	Timeouts   Timeouts   `yaml:"timeouts"`
	Sweep      Sweep      `yaml:"sweep"`
	Worker     Worker     `yaml:"worker"`
	Reconcile  Reconcile  `yaml:"reconcile"`
	Log        Log        `yaml:"log"`

	origins map[string]Origin
}

// Ledger is the record of every upload.
type Ledger struct {
	// URL is sqlite://relative.db or sqlite:///absolute/path.db,
	// postgres://user:password@host:5432/database?sslmode=verify-full, or
	// mysql://user:password@host:3306/database?tls=true for MySQL 8 and MariaDB. Defaults to
	// sqlite://afterput.db in the working directory.
	URL URL `yaml:"url"`
}

// Orders are the business's own tables that fileIDs are written into.
type Orders struct {
	// The store of buckets that name none.
	OrderTable
	// Stores are more, by name. What one does not set it has of orders.
	Stores []OrderStore `yaml:"stores" inherit:"orders"`
}

// OrderStore is a store of orders that buckets can name.
type OrderStore struct {
	// Name is 1 to 32 of a-z 0-9 _ -. It stands in the ledger: keep it.
	Name string `yaml:"name"`
	OrderTable
}

// OrderTable is one table, or one collection of CloudBase, whose fields are its columns.
type OrderTable struct {
	// URL is postgres://user:password@host:5432/database, mysql://user:password@host:3306/database,
	// sqlite:///absolute/path.db, or cloudbase://env for the documents of an environment,
	// with the keys of cloudbase. Empty: orders are not written.
	URL URL `yaml:"url"`
	// Table is the table of orders, or schema.table, or the collection. Defaults to orders.
	Table string `yaml:"table"`
	// KeyColumn holds the order's ID. Empty: id, and in CloudBase _id.
	KeyColumn string `yaml:"keyColumn"`
	// ImagesColumn holds the array of fileIDs: text[] or JSON. Defaults to images.
	ImagesColumn string `yaml:"imagesColumn"`
	// OwnerColumn holds the openid of the order's owner. Empty: the owner of an order is
	// not known and not compared.
	OwnerColumn string `yaml:"ownerColumn"`
	// UpdatedAtColumn is set by the database's clock with each write. Empty: none.
	UpdatedAtColumn string `yaml:"updatedAtColumn"`
	// VersionColumn is the field of a document that each write compares and raises; none:
	// no field is added, and files are added without comparing. SQL databases lock the row
	// and need none. Defaults to v.
	VersionColumn string `yaml:"versionColumn"`
}

// Bucket is one bucket that this deployment serves. The first one is the default.
type Bucket struct {
	// Name is the full name with the appid: photos-1250000000.
	Name string `yaml:"name"`
	// Region is the COS region: ap-guangzhou.
	Region string `yaml:"region"`
	// Env is the CloudBase environment that owns the bucket; empty for plain COS.
	Env string `yaml:"env"`
	// Aliases are other environments whose fileIDs mean this bucket.
	Aliases []string `yaml:"aliases"`
	// Endpoint replaces https://{name}.cos.{region}.myqcloud.com, as for a local server.
	Endpoint string `yaml:"endpoint"`
	// PublicBase replaces the endpoint in public URLs, as for a CDN domain.
	PublicBase string `yaml:"publicBase"`
	// SecretID and SecretKey are the key pair of a sub-account; both or none.
	SecretID  string `yaml:"secretId"`
	SecretKey Secret `yaml:"secretKey"`
	// SessionToken goes with temporary keys; empty for permanent ones.
	SessionToken Secret `yaml:"sessionToken"`
	// Expiration is when those end, as RFC 3339: no URL that is signed with them holds
	// longer. Empty: not known.
	Expiration string `yaml:"expiration"`
	// Credentials is a program that gives the keys instead.
	Credentials Credentials `yaml:"credentials"`
	// Visibility says who may read: probe asks each object by an unsigned HEAD, public
	// and private take it as given, and rule asks CloudBase for the permission of the
	// bucket, and each object where that is custom. Defaults to probe.
	Visibility string `yaml:"visibility" enum:"probe,public,private,rule"`
	// Processing has COS convert HEIC and AVIF images for thumbnails: data processing (CI),
	// paid by use. Defaults to false.
	Processing bool `yaml:"processing"`
	// Orders names one of orders.stores for the orders of the bucket's uploads, or is none:
	// uploads then belong to no order. Defaults to default: the table of orders itself.
	Orders string `yaml:"orders"`
	// What a bucket does not set in these is as in the sections of the same name.
	Owners     Owners           `yaml:"owners" inherit:"owners"`
	Check      Check            `yaml:"check" inherit:"check"`
	Thumbnails BucketThumbnails `yaml:"thumbnails" inherit:"thumbnails"`
	CloudBase  CloudBase        `yaml:"cloudbase" inherit:"cloudbase"`
	Events     Events           `yaml:"events" inherit:"events"`
	Sign       BucketSign       `yaml:"sign" inherit:"sign"`
}

// The values of Bucket.Orders that are no names of a store: that of orders itself, as is
// the empty one, and no store at all.
const (
	DefaultOrders = "default"
	NoOrders      = "none"
)

// Credentials is a program that prints keys as JSON: secretId, secretKey, token and
// expiration. It is run without a shell, and again shortly before the keys end.
type Credentials struct {
	// Command is the program and its arguments. Empty: there is none.
	Command []string `yaml:"command"`
	// Env names the variables that it gets, beside PATH and HOME.
	Env []string `yaml:"env"`
	// Timeout is for one run. Defaults to 10s.
	Timeout time.Duration `yaml:"timeout"`
	// Margin is how long before their end keys are asked for anew. Defaults to 5m.
	Margin time.Duration `yaml:"margin"`
}

// BucketThumbnails is what may differ by bucket of Thumbnails.
type BucketThumbnails struct {
	Prefix       string   `yaml:"prefix"`
	Presets      []Preset `yaml:"presets"`
	CacheControl string   `yaml:"cacheControl"`
}

// BucketSign is what may differ by bucket of Sign.
type BucketSign struct {
	SecretID  string `yaml:"secretId"`
	SecretKey Secret `yaml:"secretKey"`
}

// Owners is the rule about who owns a file.
type Owners struct {
	// Required refuses names outside users/{openid}/ with OWNER_MISSING. Defaults to false.
	Required bool `yaml:"required"`
}

// Check is the policy of the check step.
type Check struct {
	// Types are the allowed MIME types, told by magic bytes.
	Types []string `yaml:"types"`
	// MaxImageBytes and MaxVideoBytes are size limits. Default to 20MB and 100MB.
	MaxImageBytes ByteSize `yaml:"maxImageBytes"`
	MaxVideoBytes ByteSize `yaml:"maxVideoBytes"`
	// MaxPixels is width times height of an image. Defaults to 50000000.
	MaxPixels int64 `yaml:"maxPixels"`
	// MaxFrames is the limit for animations. Defaults to 500.
	MaxFrames int `yaml:"maxFrames"`
	// Extension compares the name's extension with the type: family lets .jpg hold any
	// image but no video, off compares nothing. Defaults to family.
	Extension string `yaml:"extension" enum:"family,off"`
	// Polyglots says what to do with files that hold other content too, such as HTML
	// after an image. Defaults to reject.
	Polyglots string `yaml:"polyglots" enum:"reject,allow"`
	// Withdraw takes our own array entry back when content that was attached is now
	// rejected or gone. Defaults to true.
	Withdraw bool `yaml:"withdraw"`
}

// Thumbnails is what the thumbnail step makes.
type Thumbnails struct {
	// Prefix is where thumbnails lie in the bucket; our own derivatives start no
	// pipeline. Defaults to thumbs/.
	Prefix string `yaml:"prefix"`
	// Presets are the sizes. Default to small 160, medium 480 and large 1280.
	Presets []Preset `yaml:"presets"`
	// Engine is fast, or imaging, which has every image decoded whole by the standard
	// library and resized by github.com/disintegration/imaging. Defaults to fast.
	Engine string `yaml:"engine" enum:"fast,imaging"`
	// MinRows is how much of a damaged or truncated JPEG must be whole for it to have
	// thumbnails, in percent of its rows, 1..100. Defaults to 75.
	MinRows int `yaml:"minRows"`
	// PixelBudget is the memory that the images which are being worked on may take at once
	// in a process, their files included. Defaults to 512MiB.
	PixelBudget ByteSize `yaml:"pixelBudget"`
	// CacheControl is stored with each thumbnail. Names are stable while the content may
	// change, so it defaults to a day: max-age=86400.
	CacheControl string `yaml:"cacheControl"`
	// Video says whether videos have thumbnails: auto takes a frame of each where there is
	// an ffmpeg, off takes none. Defaults to auto.
	Video string `yaml:"video" enum:"auto,off"`
	// FFmpeg is the path of the program. Empty, the default, looks on the PATH.
	FFmpeg string `yaml:"ffmpeg"`
}

// Preset is a named thumbnail size.
type Preset struct {
	// Name is part of the thumbnail's key: 1 to 32 of a-z 0-9 _ -.
	Name string `yaml:"name"`
	// Width and Height are the box in pixels.
	Width  int `yaml:"width"`
	Height int `yaml:"height"`
	// Mode is fit, which shows the whole image within the box, or fill, which covers the
	// box and cuts off what stands out on both sides. Defaults to fit.
	Mode string `yaml:"mode" enum:"fit,fill"`
	// Enlarge lets a thumbnail have more pixels than the original. Defaults to false.
	Enlarge bool `yaml:"enlarge"`
	// Background is the colour under transparent pixels of a JPEG, #rrggbb. Defaults to
	// #ffffff.
	Background string `yaml:"background"`
	// Quality is the JPEG quality 1..100. Defaults to 80.
	Quality int `yaml:"quality"`
	// Format is jpeg, or png, which keeps transparent pixels. It decides how the name of
	// the thumbnail ends. Defaults to jpeg.
	Format string `yaml:"format" enum:"jpeg,png"`
}

// TempURL is about the URLs under which files can be fetched.
type TempURL struct {
	// PublicTTL is how long a public URL that does not expire is kept. Defaults to 2h.
	PublicTTL time.Duration `yaml:"publicTTL"`
	// PrivateTTL is how long the URL of a private file works, 1s to 24h. Defaults to 10m.
	PrivateTTL time.Duration `yaml:"privateTTL"`
	// MissTTL is how long a file that is not there is not asked for again. Defaults to 10s.
	MissTTL time.Duration `yaml:"missTTL"`
}

// Hooks are the outgoing webhooks.
type Hooks struct {
	// URL receives outcomes by POST: the endpoint "default". Empty: there is none.
	URL URL `yaml:"url"`
	// Events are those that it wants, as in HookEndpoint.
	Events []string `yaml:"events"`
	// Secrets sign the body by Standard Webhooks (whsec_...), each one: several while they
	// rotate.
	Secrets []Secret `yaml:"secrets"`
	// Timeout is for one delivery, at most timeouts.notify. Defaults to 15s.
	Timeout time.Duration `yaml:"timeout"`
	// AllowPrivate permits receivers on loopback and private addresses, and plain http.
	// Defaults to false.
	AllowPrivate bool `yaml:"allowPrivate"`
	// Endpoints are more receivers, each with its own attempts and letters.
	Endpoints []HookEndpoint `yaml:"endpoints"`
}

// Pools are the asynq servers of a worker process, one per kind of cost.
type Pools struct {
	// Checks does the check step. Defaults to 16 at once.
	Checks Pool `yaml:"checks"`
	// Thumbnails does the thumbnail step. Defaults to 0: as many as there are cores.
	Thumbnails Pool `yaml:"thumbnails"`
	// Orders does the attach step. Defaults to 8.
	Orders Pool `yaml:"orders"`
	// URLs does the warm step. Defaults to 4.
	URLs Pool `yaml:"urls"`
	// Hooks does the notify step. Defaults to 8.
	Hooks Pool `yaml:"hooks"`
}

// Pool is one of them.
type Pool struct {
	// Concurrency is how many tasks run at once.
	Concurrency int `yaml:"concurrency"`
}

// Retry are the budgets of a run by error class, counted in the ledger.
type Retry struct {
	// Transient, Missing and Conflict are attempts. Default to 12, 5 and 40.
	Transient int `yaml:"transient"`
	Missing   int `yaml:"missing"`
	Conflict  int `yaml:"conflict"`
	// ThrottledFor and WaitingFor are how long a run may be throttled or wait for what
	// others provide. Default to 24h.
	ThrottledFor time.Duration `yaml:"throttledFor"`
	WaitingFor   time.Duration `yaml:"waitingFor"`
	// Grace is how long a link without a position waits for one. Defaults to 2s.
	Grace time.Duration `yaml:"grace"`
	// Gather is how long after its announcement a file that is still to be checked is waited
	// for by the others of its order, so that one write takes them all. Defaults to 1s.
	Gather time.Duration `yaml:"gather"`
}

// Timeouts are for one attempt of each step.
type Timeouts struct {
	// Check defaults to 30s, Thumbnail to 120s, the others to 30s.
	Check     time.Duration `yaml:"check"`
	Thumbnail time.Duration `yaml:"thumbnail"`
	Attach    time.Duration `yaml:"attach"`
	Warm      time.Duration `yaml:"warm"`
	Notify    time.Duration `yaml:"notify"`
}

// Worker is a worker process.
type Worker struct {
	// Listen is host:port where it answers /metrics, /healthz and /readyz. On another address
	// than loopback /metrics wants a key of scope monitor. Empty, the default: nowhere, so
	// that several fit on one machine. serve answers them on http.listen.
	Listen string `yaml:"listen"`
}

// Sweep is the repair that compares ledger and queue.
type Sweep struct {
	// Every is the pause between two rounds. Defaults to 5s.
	Every time.Duration `yaml:"every"`
}

// Reconcile compares buckets with the ledger now and then, and heals the differences.
type Reconcile struct {
	// Every is the time from one round to the next; one worker process of all does it.
	// Defaults to 0s: never.
	Every time.Duration `yaml:"every"`
	// Since leaves out objects that were modified longer ago; 0s compares all. Defaults
	// to 24h.
	Since time.Duration `yaml:"since"`
}

// Log is how the process logs, on stderr.
type Log struct {
	// Level defaults to info, Format to text.
	Level  string `yaml:"level" enum:"debug,info,warn,error"`
	Format string `yaml:"format" enum:"text,json"`
}
