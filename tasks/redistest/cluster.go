package redistest

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// clusterMasters is how many masters a cluster of a test has: the fewest that can replace
// one of them.
const clusterMasters = 3

// Cluster is three masters, each with a replica unless StartClusterTLS made it.
type Cluster struct {
	// URL is redis-cluster://host:port,host:port,...; rediss-cluster:// where it speaks TLS.
	URL string
	// Nodes are the masters as they were at the start, and then their replicas.
	Nodes []*Server

	t testing.TB
}

// StartCluster starts three masters and three replicas, and waits until they agree. A
// master that is away for two seconds is replaced.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	return startCluster(t, 2*clusterMasters, func(s *Server) {
		// A replica is listed once it has had something from its master, be it a ping.
		s.args = append(s.args, "--cluster-node-timeout", "2000", "--cluster-replica-validity-factor", "0",
			"--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")
	})
}

// StartClusterTLS starts three masters that speak TLS alone, as StartTLS has it.
func StartClusterTLS(t testing.TB) (*Cluster, Files) {
	t.Helper()
	f := issue(t, "localhost", "redis.test")
	c := startCluster(t, clusterMasters, func(s *Server) {
		s.secure(f)
		s.args = append(s.args, "--tls-cluster", "yes", "--tls-replication", "yes")
	})
	c.URL = strings.Replace(c.URL, "redis-", "rediss-", 1)
	return c, f
}

func startCluster(t testing.TB, nodes int, prepare func(*Server)) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	var clients []*redis.Client
	var buses []int
	var addrs []string
	for range nodes {
		s := newServer(t)
		s.cluster = true
		prepare(s)
		s.start(func() int { return freePort(t) })
		c.Nodes, clients = append(c.Nodes, s), append(clients, s.Client())
		buses, addrs = append(buses, s.bus), append(addrs, s.Addr())
	}
	c.URL = "redis-cluster://" + strings.Join(addrs, ",")
	require.NoError(t, form(t.Context(), clients, buses))
	return c
}

// Master is the node that holds a key, as the nodes that run see it.
func (c *Cluster) Master(key string) *Server {
	c.t.Helper()
	var found *Server
	require.Eventually(c.t, func() bool {
		found = c.holder(key)
		return found != nil
	}, patience, pollEvery, "nobody holds the key")
	return found
}

// holder asks one node after the other who holds a key, and that one whether it is so.
func (c *Cluster) holder(key string) *Server {
	ctx := c.t.Context()
	for _, asked := range c.Nodes {
		if asked.cmd == nil {
			continue
		}
		rdb := redis.NewClient(asked.options())
		err := rdb.Do(ctx, "GET", key).Err()
		_ = rdb.Close()
		if err == nil || redis.HasErrorPrefix(err, "WRONGTYPE") || err == redis.Nil { //nolint:errorlint // go-redis gives it as it is
			return asked
		}
	}
	return nil
}

// Replica is the node that follows another one, as that one sees it.
func (c *Cluster) Replica(of *Server) *Server {
	c.t.Helper()
	info, err := of.Client().Info(c.t.Context(), "replication").Result()
	require.NoError(c.t, err)
	for _, s := range c.Nodes {
		if strings.Contains(info, ",port="+strconv.Itoa(s.port)+",") {
			return s
		}
	}
	c.t.Fatalf("nobody follows %s: %s", of.Addr(), info)
	return nil
}

// Promoted waits until another node than the dead one holds the key, and gives it.
func (c *Cluster) Promoted(dead *Server, key string) *Server {
	c.t.Helper()
	var now *Server
	require.Eventually(c.t, func() bool {
		now = c.holder(key)
		return now != nil && now != dead
	}, patience, pollEvery, "no failover")
	return now
}

// patience is how long a cluster may take to agree on something.
const (
	patience  = 60 * time.Second
	pollEvery = 50 * time.Millisecond
)

// form makes a cluster of nodes that are empty: the first three become masters, the
// others their replicas. buses are the ports on which the nodes speak to each other.
func form(ctx context.Context, nodes []*redis.Client, buses []int) error {
	const slots = 16384
	for i, n := range nodes[:clusterMasters] {
		if err := n.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(); err != nil {
			return err
		}
		if err := n.ClusterAddSlotsRange(ctx, i*slots/clusterMasters, (i+1)*slots/clusterMasters-1).Err(); err != nil {
			return err
		}
	}
	for i, n := range nodes[1:] {
		host, port, _ := strings.Cut(n.Options().Addr, ":")
		if err := nodes[0].Do(ctx, "CLUSTER", "MEET", host, port, buses[i+1]).Err(); err != nil {
			return err
		}
	}
	if err := agree(ctx, nodes, func(n *redis.Client) bool {
		info, err := n.ClusterInfo(ctx).Result()
		return err == nil && strings.Contains(info, "cluster_known_nodes:"+strconv.Itoa(len(nodes))+"\r\n")
	}); err != nil {
		return err
	}
	for i, n := range nodes[clusterMasters:] {
		id, err := nodes[i].Do(ctx, "CLUSTER", "MYID").Text()
		if err != nil {
			return err
		}
		if err := n.ClusterReplicate(ctx, id).Err(); err != nil {
			return err
		}
	}
	return agree(ctx, nodes, func(n *redis.Client) bool { return ready(ctx, n, len(nodes)/clusterMasters) })
}

// ready tells whether a node sees a whole cluster with so many nodes for each slot, and,
// where it is a replica, has what its master has.
func ready(ctx context.Context, n *redis.Client, each int) bool {
	info, err := n.ClusterInfo(ctx).Result()
	if err != nil || !strings.Contains(info, "cluster_state:ok") {
		return false
	}
	slots, err := n.ClusterSlots(ctx).Result() //nolint:staticcheck // CLUSTER SHARDS lists replicas that are not ready
	if err != nil || len(slots) != clusterMasters {
		return false
	}
	for _, s := range slots {
		if len(s.Nodes) != each {
			return false
		}
	}
	role, err := n.Info(ctx, "replication").Result()
	return err == nil && (strings.Contains(role, "role:master") || strings.Contains(role, "master_link_status:up"))
}

// agree waits until something is so on every node.
func agree(ctx context.Context, nodes []*redis.Client, so func(*redis.Client) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for _, n := range nodes {
		for !so(n) {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
	}
	return nil
}
