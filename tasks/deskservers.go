package tasks

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Day counts the tasks of a queue on one day, by UTC. Each attempt counts.
type Day struct {
	Day               time.Time
	Processed, Failed int
}

// Days counts the last n days of a queue, today first. A queue that Redis does not know
// has none.
func (d *Desk) Days(ctx context.Context, queue string, n int) ([]Day, error) {
	known, err := d.known(ctx, queue)
	if err != nil || !known {
		return nil, err
	}
	history, err := d.inspect.History(queue, n)
	if err != nil {
		return nil, fmt.Errorf("queue %s: %w", queue, err)
	}
	days := make([]Day, 0, len(history))
	for _, h := range history {
		days = append(days, Day{Day: h.Date.UTC(), Processed: h.Processed, Failed: h.Failed})
	}
	return days, nil
}

// Server is one pool of a worker process, as it reports itself to Redis. One that was
// killed is listed for some ten seconds more.
type Server struct {
	// Process is the host and the process ID: web-1:4711.
	Process string
	// State is active, or stopped while it ends.
	State string
	// Concurrency is how many tasks it runs at most.
	Concurrency int
	Started     time.Time
	// Running are the IDs of the tasks that it runs.
	Running []string
}

// Servers lists the pools that serve a queue; "" is any queue. ctx is checked before,
// because asynq's call takes none.
func (d *Desk) Servers(ctx context.Context, queue string) ([]Server, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	infos, err := d.inspect.Servers()
	if err != nil {
		return nil, fmt.Errorf("servers: %w", err)
	}
	var servers []Server
	for _, info := range infos {
		if _, serves := info.Queues[queue]; queue != "" && !serves {
			continue
		}
		s := Server{
			Process: fmt.Sprintf("%s:%d", info.Host, info.PID), State: info.Status,
			Concurrency: info.Concurrency, Started: info.Started,
		}
		for _, w := range info.ActiveWorkers {
			s.Running = append(s.Running, w.TaskID)
		}
		servers = append(servers, s)
	}
	slices.SortFunc(servers, func(a, b Server) int {
		return cmp.Or(cmp.Compare(a.Process, b.Process), a.Started.Compare(b.Started))
	})
	return servers, nil
}
