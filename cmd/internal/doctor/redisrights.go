package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// The keys and the channel that the user of afterput needs. Those named here hold nothing.
const (
	taskKey     = "asynq:{afterput-doctor}:nothing"
	ownKey      = "afterput:doctor:nothing"
	channel     = "asynq:cancel"
	taskPattern = "~asynq:*"
	ownPattern  = "~afterput:*"
)

// need is a command that serve or worker run, also inside of scripts.
type need struct {
	rule string // of an ACL
	args []any
}

// redisNeeds lists every command. The first one only reads.
func redisNeeds() []need {
	var list []need
	on := func(key string, commands ...string) {
		for _, c := range commands {
			fields := strings.Fields(c)
			args := []any{fields[0], key}
			for _, f := range fields[1:] {
				args = append(args, f)
			}
			list = append(list, need{"+" + strings.ToLower(fields[0]), args})
		}
	}
	on(taskKey,
		"EXISTS", "GET", "SET x", "SETEX 1 x", "SETNX x", "DEL", "INCR", "EXPIRE 1", "EXPIREAT 1",
		"HDEL f", "HEXISTS f", "HGET f", "HMGET f", "HSET f x", "HVALS",
		"LLEN", "LPOS x", "LPUSH x", "LRANGE 0 0", "LREM 0 x", "RPUSH x",
		"SADD x", "SISMEMBER x", "SMEMBERS", "SREM x",
		"ZADD 1 x", "ZCARD", "ZRANGE 0 0", "ZRANGEBYSCORE 0 1", "ZREM x", "ZREMRANGEBYRANK 0 0", "ZREMRANGEBYSCORE 0 1",
		"ZREVRANGE 0 0", "ZSCORE x",
	)
	on(ownKey, "GET", "SET x", "DEL", "ZADD 1 x", "ZCARD", "ZRANGE 0 0", "ZREM x")
	return append(list,
		need{"+rpoplpush", []any{"RPOPLPUSH", taskKey, taskKey}},
		need{"+memory|usage", []any{"MEMORY", "USAGE", taskKey}},
		need{"+eval", []any{"EVAL", "return 1", 1, taskKey}},
		need{"+evalsha", []any{"EVALSHA", strings.Repeat("0", 40), 1, taskKey}},
		need{"+script|load", []any{"SCRIPT", "LOAD", "return 1"}},
		need{"+scan", []any{"SCAN", 0}},
		need{"+info", []any{"INFO"}},
		need{"+time", []any{"TIME"}},
		need{"+ping", []any{"PING"}},
		need{"+publish", []any{"PUBLISH", channel, ""}},
		need{"+subscribe", []any{"SUBSCRIBE", channel}},
		need{"+unsubscribe", []any{"UNSUBSCRIBE", channel}},
	)
}

// everyRight are the rules of a user that may do all that afterput does.
func everyRight() []string {
	rules := map[string]bool{
		"+multi": true, "+discard": true, "+exec": true, "+select": true, taskPattern: true, ownPattern: true, "&" + channel: true,
	}
	for _, n := range redisNeeds() {
		rules[n.rule] = true
	}
	return slices.Sorted(maps.Keys(rules))
}

// rights queues every command in a transaction and discards it. Redis looks at commands,
// keys and channels already when it queues, so that nothing has to run.
func (c Redis) rights(ctx context.Context, rdb *redis.Client) Finding {
	conn := rdb.Conn()
	defer func() { _ = conn.Close() }()
	user := c.User
	if user == "" {
		user = "default"
	}
	missing, total, err := rehearse(ctx, conn)
	switch {
	case err != nil:
		return Finding{Skip, "the rights of the user " + user + " cannot be told: " + err.Error(), "see deploy/docs/redis.md for what it needs"}
	case len(missing) > 0:
		return Finding{
			Fail, fmt.Sprintf("the user %s lacks rights: %s", user, strings.Join(missing, " ")),
			"ACL SETUSER " + user + " " + strings.Join(missing, " ") + "; see deploy/docs/redis.md for the whole of it",
		}
	}
	return Finding{Level: OK, What: fmt.Sprintf("the user %s may run all of the %d commands, on asynq:* and afterput:*", user, total)}
}

// rehearse gives the rules of an ACL that the user lacks.
func rehearse(ctx context.Context, conn *redis.Conn) (missing []string, total int, err error) {
	if err := conn.Do(ctx, "MULTI").Err(); err != nil {
		if refused(err) {
			return everyRight(), 0, nil // most of them for all that can be told
		}
		return nil, 0, fmt.Errorf("MULTI: %w", err)
	}
	lacks, needs := map[string]bool{}, redisNeeds()
	for i, n := range needs {
		answer, err := conn.Do(ctx, n.args...).Text()
		switch rule := lacking(n, err); {
		case rule != "":
			lacks[rule] = true
		case err == nil && answer != "QUEUED" && i == 0:
			return nil, 0, fmt.Errorf("something in between does not keep transactions: %s was answered at once", n.args[0])
		}
	}
	// Only where nothing is queued any more may EXEC be tried.
	if err := conn.Do(ctx, "DISCARD").Err(); refused(err) {
		lacks["+discard"] = true
	} else if err == nil {
		err := conn.Do(ctx, "EXEC").Err() // there is nothing to execute, which it says who may
		if err != nil && strings.Contains(err.Error(), "NOPERM") {
			lacks["+exec"] = true
		}
	}
	return slices.Sorted(maps.Keys(lacks)), len(needs), ctx.Err()
}

// lacking reads an answer: the rule that is missing, or "". A server that cannot write now,
// and a node of a cluster that has other keys, say so here too; that is not about rights.
func lacking(n need, err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	switch {
	case strings.HasPrefix(text, "ERR unknown command"):
		return n.rule
	case !strings.HasPrefix(text, "NOPERM"):
		return ""
	case strings.Contains(text, "to run the"):
		return n.rule
	case strings.Contains(text, "channel"):
		return "&" + channel
	case len(n.args) > 1 && n.args[1] == ownKey:
		return ownPattern
	}
	return taskPattern
}
