package hooks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// Set delivers to several endpoints, each apart from the others. It is safe for use by
// many goroutines.
type Set struct {
	senders map[string]*Sender // by scope
}

var _ pipeline.Notifier = (*Set)(nil)

// ScopeOf gives what stands for an endpoint in the scope of notify runs: its name, or ""
// for the default one.
func ScopeOf(name string) string {
	if name == DefaultName {
		return ""
	}
	return name
}

// NewSet makes a Set of endpoints, whose names have to differ. Close it.
func NewSet(endpoints []Options) (*Set, error) {
	s := &Set{senders: make(map[string]*Sender, len(endpoints))}
	for _, opt := range endpoints {
		opt = opt.withDefaults()
		scope := ScopeOf(opt.Name)
		sender, err := New(opt)
		if s.senders[scope] != nil {
			err = errors.New("hooks: a second endpoint has this name")
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("endpoint %q: %w", opt.Name, err), s.Close())
		}
		s.senders[scope] = sender
	}
	return s, nil
}

// Close drops idle connections.
func (s *Set) Close() error {
	var errs []error
	for _, sender := range s.senders {
		errs = append(errs, sender.Close())
	}
	return errors.Join(errs...)
}

// Hold tells how long a delivery to the endpoint of a scope would have to wait, as
// Sender.Hold.
func (s *Set) Hold(scope string) time.Duration {
	if sender := s.senders[scope]; sender != nil {
		return sender.Hold()
	}
	return 0
}

// Notify posts one event to the endpoint of a scope, with the errors of Sender.Notify.
// Where the default endpoint is not configured nobody subscribed. Another one that is not
// configured is Transient: this worker may be the one whose configuration is old.
func (s *Set) Notify(ctx context.Context, scope string, e pipeline.Event) (sent bool, err error) {
	sender := s.senders[scope]
	switch {
	case sender != nil:
		return sender.Notify(ctx, e)
	case scope == "":
		return false, nil
	}
	return false, pipeline.Errorf(pipeline.Transient, op, scope, "this worker has no endpoint %q in its configuration", scope)
}
