package pipeline

import "time"

// Endpoint is what is remembered of a receiver of webhooks.
type Endpoint struct {
	// Name is its name in the configuration.
	Name string
	// DisabledAt is when it was disabled; zero says that it is enabled.
	DisabledAt time.Time
	// Why says in words why it was disabled.
	Why string
}

// Disabled tells that nothing is sent to it until a person enables it again.
func (e Endpoint) Disabled() bool { return !e.DisabledAt.IsZero() }
