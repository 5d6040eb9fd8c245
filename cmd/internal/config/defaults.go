package config

import "time"

// Default gives a Config in which every key has its default.
func Default() *Config {
	return &Config{
		Ledger: Ledger{URL: "sqlite://afterput.db"},
		Orders: Orders{OrderTable: OrderTable{Table: "orders", ImagesColumn: "images", VersionColumn: "v"}},
		Check: Check{
			Types: []string{
				"image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "video/quicktime",
			},
			MaxImageBytes: 20 * MB, MaxVideoBytes: 100 * MB,
			MaxPixels: 50_000_000, MaxFrames: 500,
			Extension: "family", Polyglots: "reject", Withdraw: true,
		},
		Thumbnails: Thumbnails{
			Prefix:  "thumbs/",
			Presets: []Preset{box("small", 160), box("medium", 480), box("large", 1280)},
			Engine:  "fast", MinRows: 75, PixelBudget: 512 * MiB, CacheControl: "max-age=86400", Video: "auto",
		},
		TempURL:   TempURL{PublicTTL: 2 * time.Hour, PrivateTTL: 10 * time.Minute, MissTTL: 10 * time.Second},
		CloudBase: CloudBase{Endpoint: "https://{env}.api.tcloudbasegateway.com", ControlEndpoint: "https://tcb.tencentcloudapi.com"},
		Hooks:     Hooks{Timeout: 15 * time.Second},
		HTTP: HTTP{
			Listen: "127.0.0.1:8080", MaxBody: MiB, RateLimit: RateLimit{PerOwner: 5, PerIP: 10},
			Progress: Progress{Bytes: KiB, Every: 10 * time.Second, AtMost: 2 * time.Minute},
		},
		Auth: Auth{JWT: JWT{OwnerClaim: "customUserId", Leeway: 30 * time.Second}},
		Sign: Sign{
			Expires: 10 * time.Minute, Auth: "key", MultipartExpires: 2 * time.Hour,
			STS: STS{Endpoint: "https://sts.tencentcloudapi.com"},
		},
		Monitor: Monitor{Enabled: true},
		Pools: Pools{
			Checks: Pool{16}, Thumbnails: Pool{0}, Orders: Pool{8}, URLs: Pool{4}, Hooks: Pool{8},
		},
		Retry: Retry{
			Transient: 12, Missing: 5, Conflict: 40,
			ThrottledFor: 24 * time.Hour, WaitingFor: 24 * time.Hour, Grace: 2 * time.Second, Gather: time.Second,
		},
		Timeouts: Timeouts{
			Check: 30 * time.Second, Thumbnail: 120 * time.Second,
			Attach: 30 * time.Second, Warm: 30 * time.Second, Notify: 30 * time.Second,
		},
		Sweep:     Sweep{Every: 5 * time.Second},
		Reconcile: Reconcile{Since: 24 * time.Hour},
		Log:       Log{Level: "info", Format: "text"},
	}
}

// defaulter is an element of a list whose keys have defaults of their own.
type defaulter interface{ setDefaults() }

func (b *Bucket) setDefaults() {
	b.Visibility, b.Orders = "probe", DefaultOrders
	b.Credentials = Credentials{Timeout: 10 * time.Second, Margin: 5 * time.Minute}
}

func (p *Preset) setDefaults() {
	p.Mode, p.Background, p.Quality, p.Format = "fit", "#ffffff", 80, "jpeg"
}

// box is a preset with defaults that an image fits into.
func box(name string, side int) Preset {
	p := Preset{Name: name, Width: side, Height: side}
	p.setDefaults()
	return p
}
