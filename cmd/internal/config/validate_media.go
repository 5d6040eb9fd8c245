package config

import (
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

func reflectOf(c *Config) reflect.Value { return reflect.ValueOf(c).Elem() }

// address checks a URL with a host. The value itself is never shown: it may hold a
// password, also where it cannot be read.
func (v *validator) address(key, value, example string, schemes ...string) {
	fix := "write it as " + example
	u, err := url.Parse(value)
	switch {
	case err != nil:
		v.add(key, fix+"; percent-encode special characters of a password", "is not a URL")
	case !slices.Contains(schemes, u.Scheme):
		v.add(key, fix, "begins with none of %s://", strings.Join(schemes, "://, "))
	case u.Hostname() == "":
		v.add(key, fix, "names no host")
	}
}

// envName is the ID of an environment of CloudBase.
var envName = regexp.MustCompile(`^[a-z0-9_-]{1,40}$`)

// plainName is a name that we keep and make others of.
var plainName = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

// pair checks that the halves of a key pair come from one place.
func (v *validator) pair(at, id string, secret Secret) {
	switch {
	case (id == "") != (secret == ""):
		v.add(at+".secretKey", "set secretId and secretKey, or none of them", "and secretId go together, and only one is set")
	case v.cfg.inherits(at+".secretId") != v.cfg.inherits(at+".secretKey"):
		own, other := at+".secretId", "secretKey"
		if v.cfg.inherits(own) {
			own, other = at+".secretKey", "secretId"
		}
		v.add(own, "set both", "is set, and %s is that of all buckets", other)
	}
}

func (v *validator) buckets() {
	name := regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,79}$`)
	region := regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
	seen := make(map[string]bool)
	for i, b := range v.cfg.Buckets {
		at := index("buckets", i)
		switch {
		case !name.MatchString(b.Name):
			v.add(at+".name", "write the full name with the appid, such as photos-1250000000", "is %q, which is not a bucket name", b.Name)
		case seen[b.Name]:
			v.add(at+".name", "name each bucket once", "is %q a second time", b.Name)
		}
		seen[b.Name] = true
		if (b.Region != "" || b.Endpoint == "") && !region.MatchString(b.Region) {
			v.add(at+".region", "write the region, such as ap-guangzhou", "is %q, which is not a region", b.Region)
		}
		for _, e := range append([]string{b.Env}, b.Aliases...) {
			if e != "" && !envName.MatchString(e) {
				v.add(at+".env", "write 1 to 40 of a-z 0-9 _ - here and in aliases", "is %q, which is not an environment", e)
			}
		}
		if len(b.Aliases) > 0 && b.Env == "" {
			v.add(at+".aliases", "set env, or remove the aliases", "are set for a bucket without env")
		}
		if b.Endpoint != "" {
			v.address(at+".endpoint", b.Endpoint, "https://host", "https", "http")
		}
		if b.PublicBase != "" {
			v.address(at+".publicBase", b.PublicBase, "https://host", "https", "http")
		}
		v.pair(at, b.SecretID, b.SecretKey)
		v.credentials(at, b)
		v.pair(at+".sign", b.Sign.SecretID, b.Sign.SecretKey)
	}
}

func (v *validator) policy() {
	v.check("check", v.cfg.Check)
	for i, b := range v.cfg.Buckets {
		v.check(index("buckets", i)+".check", b.Check)
	}
}

// check checks one policy.
func (v *validator) check(at string, c Check) {
	mime := regexp.MustCompile(`^(image|video)/[a-z0-9][a-z0-9.+-]*$`)
	if len(c.Types) == 0 {
		v.add(at+".types", "allow at least one type, such as image/jpeg", "is empty")
	}
	for _, t := range c.Types {
		if !mime.MatchString(t) {
			v.add(at+".types", "write types such as image/jpeg or video/mp4", "has %q, which is no image or video type", t)
		}
	}
	v.atLeast(at+".maxImageBytes", int64(c.MaxImageBytes), 1)
	v.atLeast(at+".maxVideoBytes", int64(c.MaxVideoBytes), 1)
	v.atLeast(at+".maxPixels", c.MaxPixels, 1)
	v.atLeast(at+".maxFrames", int64(c.MaxFrames), 1)
}

// maxSide is the largest side of a thumbnail in pixels.
const maxSide = 8192

func (v *validator) thumbnails() {
	t := v.cfg.Thumbnails
	v.derivatives("thumbnails", t.Prefix, t.Presets, t.CacheControl)
	for i, b := range v.cfg.Buckets {
		v.derivatives(index("buckets", i)+".thumbnails", b.Thumbnails.Prefix, b.Thumbnails.Presets, b.Thumbnails.CacheControl)
	}
	if t.MinRows < 1 || t.MinRows > 100 {
		v.add("thumbnails.minRows", "write 1 to 100 percent", "is %d", t.MinRows)
	}
	v.atLeast("thumbnails.pixelBudget", int64(t.PixelBudget), int64(MiB))
}

// derivatives checks which thumbnails there are, and where.
func (v *validator) derivatives(at, folder string, presets []Preset, cacheControl string) {
	prefix := regexp.MustCompile(`^([A-Za-z0-9_.-]+/)+$`)
	if !prefix.MatchString(folder) || strings.Contains("/"+folder, "/../") || strings.Contains("/"+folder, "/./") {
		v.add(at+".prefix", "write it as thumbs/, without a leading slash and with one at the end", "is %q", folder)
	}
	if strings.HasPrefix(folder, "users/") {
		v.add(at+".prefix", "write it as thumbs/", "is inside users/, where uploads lie")
	}
	seen := make(map[string]bool)
	for i, p := range presets {
		at := index(at+".presets", i)
		if seen[p.Name] {
			v.add(at+".name", "name each preset once", "is %q a second time", p.Name)
		}
		seen[p.Name] = true
		v.preset(at, p)
	}
	if strings.ContainsFunc(cacheControl, func(r rune) bool { return r < ' ' || r > '~' }) {
		v.add(at+".cacheControl", "write it as max-age=86400", "has characters that no header takes")
	}
}

func (v *validator) preset(at string, p Preset) {
	if !plainName.MatchString(p.Name) {
		v.add(at+".name", "write 1 to 32 of a-z 0-9 _ -", "is %q", p.Name)
	}
	if p.Width < 1 || p.Width > maxSide {
		v.add(at+".width", "write 1 to 8192 pixels", "is %d", p.Width)
	}
	if p.Height < 1 || p.Height > maxSide {
		v.add(at+".height", "write 1 to 8192 pixels", "is %d", p.Height)
	}
	if p.Quality < 1 || p.Quality > 100 {
		v.add(at+".quality", "write 1 to 100", "is %d", p.Quality)
	}
	if !regexp.MustCompile(`^#[0-9a-fA-F]{6}$`).MatchString(p.Background) {
		v.add(at+".background", "write it as \"#ffffff\", in quotes because # begins a comment", "is %q", p.Background)
	}
}
