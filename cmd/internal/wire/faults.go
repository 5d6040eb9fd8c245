//go:build !chaos

package wire

import (
	"io"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/pipeline"
)

// faults are nothing in a binary of every day. One that is built with the tag chaos
// ends itself at the points that the battery names, to see that nothing gets lost.
type faults struct{}

func newFaults() faults { return faults{} }

func (faults) now() func() time.Time                               { return nil }
func (faults) committed() func(op string)                          { return nil }
func (faults) redis(c redis.UniversalClient) redis.UniversalClient { return c }
func (faults) objects(o pipeline.Objects) pipeline.Objects         { return o }
func (faults) orders(o pipeline.OrderStore) pipeline.OrderStore    { return o }
func (faults) engine(e pipeline.Thumbnailer) pipeline.Thumbnailer  { return e }
func (faults) notifier(n pipeline.Notifier) pipeline.Notifier      { return n }
func (faults) handler(h http.Handler) http.Handler                 { return h }

// ThumbChildInput is what the thumbnail child reads.
func ThumbChildInput(r io.Reader) io.Reader { return r }
