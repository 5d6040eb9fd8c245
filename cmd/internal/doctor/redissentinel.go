package doctor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Sentinel is one of those that redis.url names.
type Sentinel struct {
	// Addr is host:port.
	Addr   string
	Client *redis.SentinelClient
}

// sentinels asks each for itself: a client is content with the first one that answers.
func (c Redis) sentinels(ctx context.Context) []Finding {
	list, err := c.Sentinels()
	if err != nil {
		return []Finding{{Fail, err.Error(), "correct redis.*"}}
	}
	var silent, masters []string
	var findings []Finding
	replicas := 0
	for _, s := range list {
		m, err := s.Client.Master(ctx, c.Master).Result()
		_ = s.Client.Close()
		if err != nil {
			silent = append(silent, s.Addr+": "+sentinelSays(err))
			continue
		}
		at := m["ip"] + ":" + m["port"]
		if n, err := strconv.Atoi(m["num-slaves"]); err == nil {
			replicas = max(replicas, n)
		}
		masters = append(masters, at)
		if strings.Contains(m["flags"], "down") {
			findings = append(findings, Finding{
				Warn, fmt.Sprintf("the sentinel %s holds the master %s for away (%s)", s.Addr, at, m["flags"]), "is the master up, and can the sentinel reach it?",
			})
		}
	}
	if len(masters) == 0 {
		return []Finding{{
			Fail, "no sentinel names the master " + c.Master + ": " + strings.Join(silent, "; "), "correct redis.url (?master=name) and redis.sentinel, or start the sentinels",
		}}
	}
	for _, s := range silent {
		findings = append(findings, Finding{Warn, "the sentinel " + s, "start it, or take it out of redis.url"})
	}
	for _, at := range masters {
		if at != masters[0] {
			return append(findings, Finding{
				Warn, "the sentinels name different masters: " + strings.Join(masters, ", "), "wait for the failover to end; if it does not, look into their logs",
			})
		}
	}
	if replicas == 0 {
		findings = append(findings, Finding{Warn, "the master " + c.Master + " has no replica: nobody can take its place", "start a replica: REPLICAOF host port"})
	}
	if len(findings) == 0 {
		findings = []Finding{{Level: OK, What: fmt.Sprintf("all %d sentinels name the master %s, with %s", len(list), masters[0], count(strconv.Itoa(replicas), "replica"))}}
	}
	return findings
}

// sentinelSays words the error of a sentinel.
func sentinelSays(err error) string {
	if answer, ok := errors.AsType[redis.Error](err); ok && strings.Contains(answer.Error(), "No such master") {
		return "knows no such master"
	}
	return err.Error()
}
