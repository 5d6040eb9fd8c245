package coslocal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// disk keeps the bucket in a folder:
//
//	objects/ab/<sha256 of the key>.json   one object; writing it is what commits
//	blobs/ab/<random>                     the bytes of one object
//	uploads/<id>/                         one multipart upload
//	tmp/                                  what is being written; emptied at the start
//	bucket.json                           the bucket's own ACL
//
// No name on disk is made of a key's text, so no key can leave the folder or meet
// another. An open blob stays readable after it was replaced or removed.
type disk struct {
	dir string

	mu      sync.RWMutex
	acl     string
	objects map[string]*object
	keys    []string // sorted
	writes  map[string]int
}

var errExists = errors.New("the object exists")

func openDisk(dir, acl string, log *slog.Logger) (*disk, error) {
	d := &disk{dir: dir, acl: acl, objects: make(map[string]*object), writes: make(map[string]int)}
	if err := os.RemoveAll(d.path("tmp")); err != nil {
		return nil, err
	}
	for _, sub := range []string{"objects", "blobs", "uploads", "tmp"} {
		if err := os.MkdirAll(d.path(sub), 0o750); err != nil {
			return nil, err
		}
	}
	if err := readJSON(d.path("bucket.json"), &d.acl); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := d.load(log); err != nil {
		return nil, err
	}
	return d, d.dropOrphans()
}

func (d *disk) path(parts ...string) string {
	return filepath.Join(append([]string{d.dir}, parts...)...)
}

// load reads every object. One that cannot be read is left out and said in the log.
func (d *disk) load(log *slog.Logger) error {
	err := filepath.WalkDir(d.path("objects"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		o := new(object)
		if err := readJSON(path, o); err != nil || o.Key == "" || o.Blob == "" {
			log.Warn("coslocal leaves out an object that it cannot read", "file", path, "error", err)
			return nil
		}
		d.objects[o.Key] = o
		d.keys = append(d.keys, o.Key)
		return nil
	})
	slices.Sort(d.keys)
	return err
}

// dropOrphans removes the blobs that a killed process wrote and did not commit.
func (d *disk) dropOrphans() error {
	used := make(map[string]bool, len(d.objects))
	for _, o := range d.objects {
		used[o.Blob] = true
	}
	return filepath.WalkDir(d.path("blobs"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || used[e.Name()] {
			return err
		}
		return os.Remove(path) //nolint:gosec // the folder is ours alone
	})
}

func (d *disk) blobPath(blob string) string { return d.path("blobs", blob[:2], blob) }

func (d *disk) objectPath(key string) string {
	sum := sha256.Sum256([]byte(key))
	name := hex.EncodeToString(sum[:])
	return d.path("objects", name[:2], name+".json")
}

// commit makes the staged bytes the object o. then runs before any other change of the
// bucket. With fresh, an object that is there already gives errExists.
func (d *disk) commit(st *staged, o object, fresh bool, then func(*object)) error {
	o.Blob, o.Size, o.CRC64 = randomID(), st.size, st.crc.Sum64()
	if o.ETag == "" {
		o.ETag = st.md5Hex()
	}
	if err := st.moveTo(d.blobPath(o.Blob)); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.objects[o.Key]
	err := errExists
	if old == nil || !fresh {
		err = d.writeJSON(d.objectPath(o.Key), o)
	}
	if err != nil {
		_ = os.Remove(d.blobPath(o.Blob))
		return err
	}
	d.objects[o.Key] = &o
	d.writes[o.Key]++
	if old == nil {
		i, _ := slices.BinarySearch(d.keys, o.Key)
		d.keys = slices.Insert(d.keys, i, o.Key)
	} else {
		_ = os.Remove(d.blobPath(old.Blob)) // an orphan is dropped at the next start
	}
	then(&o)
	return nil
}

// open gives an object and its bytes; ok is false where there is none. The caller closes
// the file. The object must not be changed.
func (d *disk) open(key string) (o *object, f *os.File, ok bool, err error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if o, ok = d.objects[key]; !ok {
		return nil, nil, false, nil
	}
	f, err = os.Open(d.blobPath(o.Blob))
	return o, f, true, err
}

// remove deletes an object; then runs before any other change of the bucket.
func (d *disk) remove(key string, then func(*object)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	o, ok := d.objects[key]
	if !ok {
		return nil
	}
	if err := os.Remove(d.objectPath(key)); err != nil {
		return err
	}
	_ = os.Remove(d.blobPath(o.Blob)) // see commit
	delete(d.objects, key)
	if i, found := slices.BinarySearch(d.keys, key); found {
		d.keys = slices.Delete(d.keys, i, i+1)
	}
	then(o)
	return nil
}

// setACL sets the ACL of an object, or of the bucket for the key "".
func (d *disk) setACL(key, acl string) (ok bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if key == "" {
		if acl == ACLDefault {
			acl = ACLPrivate
		}
		if err := d.writeJSON(d.path("bucket.json"), acl); err != nil {
			return true, err
		}
		d.acl = acl
		return true, nil
	}
	old, ok := d.objects[key]
	if !ok {
		return false, nil
	}
	o := *old
	o.ACL = acl
	if err := d.writeJSON(d.objectPath(key), o); err != nil {
		return true, err
	}
	d.objects[key] = &o
	return true, nil
}

// effectiveACL resolves ACLDefault. The key "" is the bucket.
func (d *disk) effectiveACL(key string) (acl string, ok bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if key == "" {
		return d.acl, true
	}
	o, ok := d.objects[key]
	if ok && o.ACL != ACLDefault {
		return o.ACL, true
	}
	return d.acl, ok
}

// public tells whether anyone may read key. Of an object that is not there, who may not
// read the bucket may not learn that.
func (d *disk) public(key string) bool {
	acl, _ := d.effectiveACL(key)
	return acl == ACLPublicRead
}

func (d *disk) writesOf(key string) int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.writes[key]
}

func (d *disk) keysCopy() []string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.Clone(d.keys)
}

// writeJSON writes a file at once: it is there whole or as it was before.
func (d *disk) writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tmp := d.path("tmp", randomID())
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return moveFile(tmp, path)
}

func readJSON(path string, v any) error {
	data, err := os.ReadFile(path) //nolint:gosec // a path of our own making
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// moveFile renames within the folder and makes the target's parent.
func moveFile(from, to string) error {
	err := os.Rename(from, to)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(to), 0o750); err == nil {
			err = os.Rename(from, to)
		}
	}
	if err != nil {
		_ = os.Remove(from)
	}
	return err
}
