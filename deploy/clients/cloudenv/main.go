// Command cloudenv is a CloudBase environment on loopback for the tests of the clients: the
// gateway of cloudbasetest over a local COS. It reads one JSON object from stdin,
//
//	{"dir","acl","rule"}             where the bucket lies, and its permission
//
// writes one to stdout that says how to reach it, and after that takes from stdin
//
//	{"events","key"}                 where the bucket's events go, and the key for that
//	{"acl","rule"}                   another permission
//
// each answered by {}. It ends when stdin does.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/afterput/afterput/pipeline/cloudbase/cloudbasetest"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/qsign"
)

const (
	bucket = "656e-env-1a2b3c-1250000000"
	region = "ap-shanghai"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cloudenv:", err)
		os.Exit(1)
	}
}

// order is what stdin may say; each reads its own part.
type order struct {
	Dir    string `json:"dir"`
	ACL    string `json:"acl"`
	Rule   string `json:"rule"`
	Events string `json:"events"`
	Key    string `json:"key"`
}

// environment is what stdout says at first.
type environment struct {
	Env       string `json:"env"`
	URL       string `json:"url"`
	SecretID  string `json:"secretId"`
	SecretKey string `json:"secretKey"`
	Bucket    string `json:"bucket"`
	Region    string `json:"region"`
	COS       string `json:"cos"`
	COSID     string `json:"cosId"`
	COSKey    string `json:"cosKey"`
	// Credentials are what the console gives for custom login.
	Credentials struct {
		PrivateKeyID string `json:"private_key_id"`
		PrivateKey   string `json:"private_key"`
		EnvID        string `json:"env_id"`
	} `json:"credentials"`
}

func run(stdin io.Reader, stdout io.Writer) error {
	in, out := json.NewDecoder(stdin), json.NewEncoder(stdout)
	var first order
	if err := in.Decode(&first); err != nil {
		return fmt.Errorf("stdin: %w", err)
	}
	var e events
	env, gateway, stop, err := start(first, &e)
	if err != nil {
		return err
	}
	defer stop()
	if err := out.Encode(env); err != nil {
		return err
	}
	for {
		var next order
		switch err := in.Decode(&next); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("stdin: %w", err)
		}
		if next.ACL != "" {
			gateway.ACL(next.ACL, next.Rule)
		}
		if next.Events != "" {
			e.to.Store(&next)
		}
		if err := out.Encode(struct{}{}); err != nil {
			return err
		}
	}
}

func start(first order, e *events) (environment, *cloudbasetest.Gateway, func(), error) {
	env := environment{
		Env: cloudbasetest.Env, SecretID: cloudbasetest.SecretID, SecretKey: cloudbasetest.SecretKey,
		Bucket: bucket, Region: region, COSID: "AKID" + rand.Text(), COSKey: rand.Text(),
	}
	temporary := qsign.Key{ID: "AKID" + rand.Text(), Secret: rand.Text(), Token: rand.Text()}
	fail := func(err error) (environment, *cloudbasetest.Gateway, func(), error) { return env, nil, nil, err }
	cos, err := coslocal.New(coslocal.Options{
		Dir: first.Dir, Bucket: bucket, Region: region, OnEvent: e.deliver,
		Keys:   map[string]string{env.COSID: env.COSKey, temporary.ID: temporary.Secret},
		Tokens: map[string]string{temporary.ID: temporary.Token},
	})
	if err != nil {
		return fail(err)
	}
	if env.COS, err = serve(cos); err != nil {
		return fail(err)
	}
	g := cloudbasetest.Make()
	if env.URL, err = serve(g); err != nil {
		return fail(err)
	}
	g.Use(cloudbasetest.Bucket{Name: bucket, URL: env.COS, Key: qsign.Key{ID: env.COSID, Secret: env.COSKey}, Temporary: temporary})
	g.Collection("orders")
	if first.ACL != "" {
		g.ACL(first.ACL, first.Rule)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fail(err)
	}
	env.Credentials.PrivateKeyID, env.Credentials.EnvID = rand.Text(), env.Env
	env.Credentials.PrivateKey = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	g.Trust(env.Credentials.PrivateKeyID, &key.PublicKey)
	return env, g, func() { _ = cos.Close() }, nil
}

// serve answers on a free port of loopback until the process ends.
func serve(h http.Handler) (url string, err error) {
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(ln) }()
	return "http://" + ln.Addr().String(), nil
}

// events hands the bucket's events on, once it was said where to. Like the trigger of a
// function it gives up after a few tries.
type events struct{ to atomic.Pointer[order] }

func (e *events) deliver(event []byte) {
	to := e.to.Load()
	if to == nil {
		return
	}
	var err error
	for range 3 {
		if err = post(to, event); err == nil {
			return
		}
	}
	fmt.Fprintln(os.Stderr, "cloudenv: an event is lost:", err)
}

func post(to *order, event []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.Events, bytes.NewReader(event))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+to.Key)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted && resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer is %d", resp.StatusCode)
	}
	return nil
}
