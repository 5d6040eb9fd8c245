package pipeline

import (
	"regexp"
	"slices"
	"strings"
)

// FileID is the permanent name that a business stores for an object:
// cloud://env.bucket/path in CloudBase, cos://bucket/path in plain COS.
type FileID struct {
	// Env is the CloudBase environment; empty for plain COS.
	Env string
	// Bucket is the bucket as the fileID writes it. CloudBase samples sometimes leave
	// the appid off, so the real bucket comes from Buckets.Locate.
	Bucket string
	// Path is the object key, not percent-encoded.
	Path string
}

var (
	envPattern    = regexp.MustCompile(`^[a-z0-9_-]{1,40}$`)
	bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,79}$`)
	appidPattern  = regexp.MustCompile(`^-[0-9]+$`)
)

// ParseFileID reads a fileID. The environment is what stands before the first dot
// after cloud://; the path is kept byte for byte. Errors are of class Invalid with
// the code INVALID_FILE_ID or, for the path, INVALID_FILE_NAME.
func ParseFileID(s string) (FileID, error) {
	var id FileID
	bad := func(format string, args ...any) (FileID, error) {
		e := Errorf(Invalid, "fileID", clip(s, 120), format, args...)
		e.Code = CodeInvalidFileID
		return FileID{}, e
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || (scheme != "cloud" && scheme != "cos") {
		return bad("want cloud://env.bucket/path or cos://bucket/path")
	}
	authority, path, ok := strings.Cut(rest, "/")
	if !ok {
		return bad("there is no path after the bucket")
	}
	id.Bucket, id.Path = authority, path
	if scheme == "cloud" {
		env, bucket, ok := strings.Cut(authority, ".")
		if !ok {
			return bad("want cloud://env.bucket/path: there is no dot between environment and bucket")
		}
		if !envPattern.MatchString(env) {
			return bad("environment %q is not 1 to 40 of a-z 0-9 _ -", clip(env, 40))
		}
		id.Env, id.Bucket = env, bucket
	}
	if !bucketPattern.MatchString(id.Bucket) {
		return bad("bucket %q is not a bucket name", clip(id.Bucket, 40))
	}
	if err := CheckName(path); err != nil {
		return FileID{}, err
	}
	return id, nil
}

// String prints the fileID as the business stores it.
func (id FileID) String() string {
	if id.Env != "" {
		return "cloud://" + id.Env + "." + id.Bucket + "/" + id.Path
	}
	return "cos://" + id.Bucket + "/" + id.Path
}

// Bucket is one bucket that this deployment serves.
type Bucket struct {
	// Name is the full bucket name with its appid: photos-1250000000.
	Name string
	// Env is the CloudBase environment that owns the bucket; empty for plain COS.
	Env string
	// Aliases are other environments whose fileIDs mean this bucket, as after a
	// migration from a test environment.
	Aliases []string
}

// FileID names key in this bucket.
func (b Bucket) FileID(key string) FileID {
	return FileID{Env: b.Env, Bucket: b.Name, Path: key}
}

// Buckets are the buckets that a deployment serves. The first one is the default.
type Buckets []Bucket

// ByName finds a bucket by its full name.
func (bs Buckets) ByName(name string) (Bucket, bool) {
	for _, b := range bs {
		if b.Name == name {
			return b, true
		}
	}
	return Bucket{}, false
}

// Locate gives the bucket and key that a fileID means here. A CloudBase fileID finds
// its bucket by environment or alias, because it may leave the appid off. Another
// environment is WRONG_ENVIRONMENT, another plain bucket UNKNOWN_BUCKET.
func (bs Buckets) Locate(id FileID) (Bucket, string, error) {
	for _, b := range bs {
		if id.Env == "" {
			if b.Name == id.Bucket && b.Env == "" {
				return b, id.Path, nil
			}
			continue
		}
		if b.answersTo(id.Env) && (b.Env != id.Env || b.called(id.Bucket)) {
			return b, id.Path, nil
		}
	}
	e := Errorf(Invalid, "fileID", clip(id.String(), 120), "bucket %q is not configured here", id.Bucket)
	e.Code = CodeUnknownBucket
	if id.Env != "" {
		e = Errorf(Invalid, "fileID", clip(id.String(), 120),
			"environment %q with bucket %q is not configured here: add it to the bucket's env or aliases", id.Env, id.Bucket)
		e.Code = CodeWrongEnvironment
	}
	return Bucket{}, "", e
}

// called tells whether name is the bucket's, with or without its appid.
func (b Bucket) called(name string) bool {
	rest, ok := strings.CutPrefix(b.Name, name)
	return ok && (rest == "" || appidPattern.MatchString(rest))
}

func (b Bucket) answersTo(env string) bool {
	if b.Env == "" {
		return false
	}
	if b.Env == env {
		return true
	}
	return slices.Contains(b.Aliases, env)
}
