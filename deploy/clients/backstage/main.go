// Command backstage shows the tests of the clients what a client cannot see: the shop's
// orders, the URL cache and our own signatures. It reads one JSON object from stdin and
// writes one JSON value to stdout.
//
//	backstage files     {"dir"}                  writes photo.jpg and video.mp4
//	backstage order-add {"db","id","owner"}      makes an empty order
//	backstage order     {"db","id"}              gives its images
//	backstage url       {"redis","fileID"}       gives the cached URL, or null
//	backstage sign      {"id","secret","start","end","requests":[{"method","path","host"}]}
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/qsign"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/pipeline/tempurl"
)

// input is what stdin may say; each operation reads its own part.
type input struct {
	Dir      string `json:"dir"`
	DB       string `json:"db"`
	ID       string `json:"id"`
	Owner    string `json:"owner"`
	Redis    string `json:"redis"`
	FileID   string `json:"fileID"`
	Secret   string `json:"secret"`
	Start    int64  `json:"start"`
	End      int64  `json:"end"`
	Requests []struct {
		Method string `json:"method"`
		Path   string `json:"path"`
		Host   string `json:"host"`
	} `json:"requests"`
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "backstage:", err)
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	operations := map[string]func(context.Context, input) (any, error){
		"files": files, "order-add": addOrder, "order": order, "url": cachedURL, "sign": sign,
	}
	if len(args) != 1 || operations[args[0]] == nil {
		return errors.New("want one of files, order-add, order, url, sign")
	}
	var in input
	if err := json.NewDecoder(stdin).Decode(&in); err != nil {
		return fmt.Errorf("stdin: %w", err)
	}
	out, err := operations[args[0]](context.Background(), in)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(out)
}

// files writes a photo that is larger than every thumbnail, and the head of a video.
func files(_ context.Context, in input) (any, error) {
	for name, data := range map[string][]byte{
		"photo.jpg": samples.Photo(samples.Options{Width: 1440, Height: 1080, GPS: true}),
		"video.mp4": samples.MP4(1920, 1080),
	} {
		if err := os.WriteFile(filepath.Join(in.Dir, name), data, 0o600); err != nil {
			return nil, err
		}
	}
	return true, nil
}

func addOrder(ctx context.Context, in input) (any, error) {
	db, err := sqldb.Open(ctx, in.DB)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	_, err = db.SQL().ExecContext(ctx, "INSERT INTO orders (id, openid) VALUES (?, ?)", in.ID, in.Owner)
	return true, err
}

func order(ctx context.Context, in input) (any, error) {
	db, err := sqldb.Open(ctx, in.DB)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	var images string
	if err := db.SQL().QueryRowContext(ctx, "SELECT images FROM orders WHERE id = ?", in.ID).Scan(&images); err != nil {
		return nil, err
	}
	return json.RawMessage(images), nil
}

func cachedURL(ctx context.Context, in input) (any, error) {
	opt, err := redis.ParseURL(in.Redis)
	if err != nil {
		return nil, err
	}
	rdb := redis.NewClient(opt)
	defer func() { _ = rdb.Close() }()
	text, err := rdb.Get(ctx, tempurl.Key(in.FileID)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil //nolint:nilnil // null is the answer
	}
	return json.RawMessage(text), err
}

// sign signs as /put-sign does: method, path and host.
func sign(_ context.Context, in input) (any, error) {
	key := qsign.Key{ID: in.ID, Secret: in.Secret}
	window := qsign.Window{Start: time.Unix(in.Start, 0), End: time.Unix(in.End, 0)}
	list := make([]string, len(in.Requests))
	for i, r := range in.Requests {
		list[i] = qsign.Authorization(key, qsign.Request{Method: r.Method, Path: r.Path, Header: qsign.Host(r.Host)}, window)
	}
	return list, nil
}
