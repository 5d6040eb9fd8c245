package worker

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/tasks"
)

// nodeOf gives a client of the server that holds a queue: in a cluster the master of its
// slot, for commands that name no key. Elsewhere it is the client itself. The name tells
// servers apart.
func nodeOf(ctx context.Context, rdb redis.UniversalClient, queue string) (node redis.Cmdable, name string, err error) {
	cluster, ok := rdb.(*redis.ClusterClient)
	if !ok {
		return rdb, "", nil
	}
	master, err := cluster.MasterForKey(ctx, "{"+queue+"}")
	if err != nil {
		return nil, "", fmt.Errorf("redis: %w", err)
	}
	return master, master.Options().Addr, nil
}

// nodes gives a client of each server that holds a queue of ours, by its name.
func nodes(ctx context.Context, rdb redis.UniversalClient) (map[string]redis.Cmdable, error) {
	all := map[string]redis.Cmdable{}
	for _, q := range tasks.Queues() {
		node, name, err := nodeOf(ctx, rdb, q)
		if err != nil {
			return nil, err
		}
		all[name] = node
	}
	return all, nil
}
