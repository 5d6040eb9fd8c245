package tasks_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

// silent keeps asynq's own log out of the tests.
type silent struct{}

func (silent) Debug(...any) {}
func (silent) Info(...any)  {}
func (silent) Warn(...any)  {}
func (silent) Error(...any) {}
func (silent) Fatal(...any) {}

// serve runs one pool until the test ends.
func serve(t *testing.T, url, queue string, handle asynq.HandlerFunc) {
	t.Helper()
	server := asynq.NewServerFromRedisClient(redistest.Universal(t, url), asynq.Config{
		Concurrency: 3, Queues: map[string]int{queue: 1}, Logger: silent{}, TaskCheckInterval: 200 * time.Millisecond,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return time.Hour }, ShutdownTimeout: time.Second,
	})
	require.NoError(t, server.Start(handle))
	t.Cleanup(server.Shutdown)
}

func TestDeskDaysAndServers(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		rdb := redistest.Universal(t, url)
		desk := tasks.NewDesk(rdb)
		days, err := desk.Days(t.Context(), tasks.QueueChecks, 7)
		require.NoError(t, err)
		require.Empty(t, days, "a queue that Redis does not know")
		servers, err := desk.Servers(t.Context(), "")
		require.NoError(t, err)
		require.Empty(t, servers)

		hold := make(chan struct{})
		defer close(hold)
		serve(t, url, tasks.QueueChecks, func(_ context.Context, task *asynq.Task) error {
			if task.Type() == "fails" {
				return errors.New("no")
			}
			<-hold
			return nil
		})
		client := asynq.NewClientFromRedisClient(rdb)
		for _, name := range []string{"fails", "holds"} {
			_, err := client.Enqueue(asynq.NewTask(name, nil), asynq.Queue(tasks.QueueChecks), asynq.TaskID(name))
			require.NoError(t, err)
		}
		require.Eventually(t, func() bool {
			days, err := desk.Days(t.Context(), tasks.QueueChecks, 7)
			require.NoError(t, err)
			require.Len(t, days, 7)
			return days[0].Processed == 1 && days[0].Failed == 1
		}, time.Minute, 20*time.Millisecond)
		require.Eventually(t, func() bool {
			servers, err := desk.Servers(t.Context(), tasks.QueueChecks)
			require.NoError(t, err)
			return len(servers) == 1 && len(servers[0].Running) == 1
		}, time.Minute, 20*time.Millisecond)
		servers, err = desk.Servers(t.Context(), tasks.QueueChecks)
		require.NoError(t, err)
		require.Equal(t, 3, servers[0].Concurrency)
		require.Equal(t, []string{"holds"}, servers[0].Running)
		require.True(t, strings.Contains(servers[0].Process, ":"))
		servers, err = desk.Servers(t.Context(), tasks.QueueHooks)
		require.NoError(t, err)
		require.Empty(t, servers, "nobody serves it")
	})
}
