package auth

import (
	"container/list"
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// CodeTooMany: the caller sends more than its rate allows (429).
const (
	CodeTooMany = "TOO_MANY_REQUESTS"
)

const (
	// burst is how many seconds' worth of requests a caller may send at once.
	burst = 10
	// defaultCallers is how many callers of a kind are remembered.
	defaultCallers = 10_000
)

// LimitOptions configure NewLimits. Rates are requests in a second, 0 is no limit; a
// caller that was quiet may send ten seconds' worth at once.
type LimitOptions struct {
	// PerKey is for each key, and for all signed requests together.
	PerKey int
	// PerOwner is for each end user, and for each grant.
	PerOwner int
	// PerAddress is for each address (of IPv6: its /64) from which requests come without a
	// good credential. Good ones from there are not held up.
	PerAddress int
	// Callers is how many callers of each kind are remembered. When there are more, the
	// one that was quiet for the longest is forgotten. Defaults to 10000.
	Callers int
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Limits holds callers to their rates, each by itself.
type Limits struct{ keys, owners, grants, addresses *meter }

// NewLimits makes Limits.
func NewLimits(opt LimitOptions) *Limits {
	if opt.Callers <= 0 {
		opt.Callers = defaultCallers
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	of := func(perSecond int) *meter {
		return &meter{
			perSecond: perSecond, most: opt.Callers, now: opt.Now,
			callers: make(map[string]*list.Element), recent: list.New(),
		}
	}
	return &Limits{keys: of(opt.PerKey), owners: of(opt.PerOwner), grants: of(opt.PerOwner), addresses: of(opt.PerAddress)}
}

// known counts a request of a caller that was let in.
func (l *Limits) known(caller Identity) *Refusal {
	if l == nil {
		return nil
	}
	switch {
	case caller.Grant != "":
		return l.grants.count(caller.Grant)
	case caller.Owner != "":
		return l.owners.count(caller.Owner)
	}
	return l.keys.count(caller.Name)
}

// stranger counts a request without a good credential.
func (l *Limits) stranger(r *http.Request) *Refusal {
	if l == nil {
		return nil
	}
	return l.addresses.count(address(r.RemoteAddr))
}

// address is what one sender can hardly have many of: an IPv4 address or a /64.
func address(remote string) string {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	ip := ap.Addr().Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	return netip.PrefixFrom(ip, 64).Masked().String()
}

// meter counts callers of one kind, the most recent ones first.
type meter struct {
	perSecond, most int
	now             func() time.Time

	mu      sync.Mutex
	callers map[string]*list.Element
	recent  *list.List
}

type metered struct {
	name  string
	rates *rate.Limiter
}

// count gives nil, or a refusal that says when there is room again.
func (m *meter) count(name string) *Refusal {
	if m.perSecond <= 0 {
		return nil
	}
	now := m.now()
	rates := m.of(name)
	wait := rates.ReserveN(now, 1)
	delay := wait.DelayFrom(now)
	if delay <= 0 {
		return nil
	}
	wait.CancelAt(now)
	return &Refusal{
		Status: http.StatusTooManyRequests, Code: CodeTooMany,
		Message:    "there are too many requests: wait for Retry-After seconds, and send less often",
		RetryAfter: int(math.Ceil(delay.Seconds())),
	}
}

func (m *meter) of(name string) *rate.Limiter {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.callers[name]; ok {
		m.recent.MoveToFront(e)
		return e.Value.(*metered).rates
	}
	if m.recent.Len() >= m.most {
		last := m.recent.Back()
		delete(m.callers, last.Value.(*metered).name)
		m.recent.Remove(last)
	}
	c := &metered{name, rate.NewLimiter(rate.Limit(m.perSecond), burst*m.perSecond)}
	m.callers[name] = m.recent.PushFront(c)
	return c.rates
}
