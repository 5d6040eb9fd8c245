package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/tasks"
)

func (a *app) tasksCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "tasks", Aliases: []string{"task"}, GroupID: "look", Short: "Look at what is in Redis now, and stop an attempt",
		Long: `A task is a hint that a run of a step wants to be tried. What it became of is in the
ledger: afterput explain, afterput dead.`,
		Example: "  afterput tasks list --state active\n  afterput tasks show check:00673c407f952eecfce54327ac568a1a:1",
	}
	cmd.AddCommand(a.tasksListCmd(), a.tasksShowCmd(), a.tasksCancelCmd())
	return cmd
}

// place is a position in what tasks list walks through: a queue, a state, and how many
// of its tasks were seen. It is the cursor of --after.
type place struct {
	queue string
	state tasks.TaskState
	seen  int
}

// String is the cursor: checks/pending/200.
func (p place) String() string { return fmt.Sprintf("%s/%s/%d", p.queue, p.state, p.seen) }

// parsePlace reads a cursor; "" is the beginning.
func parsePlace(s string) (place, error) {
	if s == "" {
		return place{}, nil
	}
	parts := strings.Split(s, "/")
	if len(parts) == 3 {
		seen, err := strconv.Atoi(parts[2])
		p := place{parts[0], tasks.TaskState(parts[1]), seen}
		if err == nil && seen >= 0 && slices.Contains(tasks.Queues(), p.queue) && slices.Contains(tasks.TaskStates(), p.state) {
			return p, nil
		}
	}
	return place{}, failf(exitUsage, "usage", "", "--after %q: want what tasks list told, such as checks/pending/100", s)
}

// stateNames are the states of tasks, for flags.
func stateNames() []string {
	names := make([]string, 0, len(tasks.TaskStates()))
	for _, s := range tasks.TaskStates() {
		names = append(names, string(s))
	}
	return names
}

// runners tells which worker process runs which task.
func runners(ctx context.Context, desk *tasks.Desk) (map[string]string, error) {
	servers, err := desk.Servers(ctx, "")
	by := map[string]string{}
	for _, s := range servers {
		for _, id := range s.Running {
			by[id] = s.Process
		}
	}
	return by, err
}
