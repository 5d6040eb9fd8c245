package wire

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/producer/auth"
)

// Listener puts TLS over ln where a certificate is configured. Without TLS there is no
// HTTP/2.
func (a *App) Listener(ln net.Listener) (net.Listener, error) {
	c := a.Config.HTTP.TLS
	if c.CertFile == "" {
		return auth.JSONAnswers(ln), nil
	}
	server, err := TLS(c, a.Log)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(ln, server), nil
}

// TLS is what serve listens with. It reads the files of the certificate.
func TLS(c config.TLS, log *slog.Logger) (*tls.Config, error) {
	pair := &certificate{certFile: c.CertFile, keyFile: c.KeyFile, log: log, now: time.Now}
	if err := pair.load(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: pair.get,
	}, nil
}

// lookEvery is how often handshakes look whether the files of a certificate changed.
const lookEvery = time.Second

// certificate is a pair of files that is read again when they change. While what they
// hold is no pair, as between the renewal of one and the other, the last good one stays.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	now               func() time.Time

	mu     sync.Mutex
	pair   *tls.Certificate
	seen   [2]stamp
	looked time.Time
}

// stamp tells one state of a file from another.
type stamp struct {
	modified time.Time
	size     int64
}

// load reads the files as they are now.
func (c *certificate) load() error {
	seen := c.stamps()
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	c.seen, c.looked = seen, c.now()
	if err != nil {
		return fmt.Errorf("http.tls: %w", err)
	}
	c.pair = &pair
	return nil
}

func (c *certificate) stamps() (s [2]stamp) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

// get gives the certificate for a handshake.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now().Sub(c.looked) < lookEvery {
		return c.pair, nil
	}
	c.looked = c.now()
	if c.stamps() == c.seen {
		return c.pair, nil
	}
	if err := c.load(); err != nil {
		c.log.WarnContext(context.Background(), "the certificate changed and cannot be used, the last one stays", "error", err)
	} else {
		c.log.InfoContext(context.Background(), "read the certificate again", "file", c.certFile)
	}
	return c.pair, nil
}
