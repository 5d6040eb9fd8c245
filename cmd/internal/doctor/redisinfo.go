package doctor

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// oldest is the version that asynq's script for the archive needs: ZRANGE BYSCORE.
const oldest = "6.2"

const (
	// fullWarn is the share of maxmemory, in percent, above which a burst may not fit.
	fullWarn = 75
	// console is where settings of a managed Redis are.
	console = " and the same in redis.conf, or in the console of a managed Redis"
)

// facts are what a Redis tells of itself.
type facts struct {
	info    map[string]string
	refusal error // of INFO
	config  func(name string) (string, error)
}

// ask reads INFO. What is not in it, as behind some proxies, is asked of CONFIG GET later.
func ask(ctx context.Context, rdb *redis.Client) facts {
	text, err := rdb.Info(ctx).Result()
	f := facts{info: map[string]string{}, refusal: err}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			f.info[name] = value
		}
	}
	f.config = func(name string) (string, error) {
		found, err := rdb.ConfigGet(ctx, name).Result()
		if err != nil {
			return "", err
		}
		value, ok := found[name]
		if !ok {
			return "", fmt.Errorf("CONFIG GET does not know %s", name)
		}
		return value, nil
	}
	return f
}

// findings are all that follows from the facts.
func (f facts) findings() []Finding {
	if f.refusal != nil {
		return []Finding{{
			Skip, "version, role, memory and persistence cannot be told: INFO: " + f.refusal.Error(), "look them up in the console, or let the user run INFO",
		}}
	}
	return []Finding{f.version(), f.role(), f.policy(), f.memory(), f.persistence()}
}

// unknown is the finding about what INFO does not tell.
func (f facts) unknown(what string) Finding {
	return Finding{Skip, what + " cannot be told: INFO does not have it", "look it up in the console"}
}

func (f facts) number(name string) (int64, bool) {
	n, err := strconv.ParseInt(f.info[name], 10, 64)
	return n, err == nil
}

func (f facts) version() Finding {
	version := f.info["redis_version"]
	if version == "" {
		return f.unknown("the version")
	}
	what := "Redis " + version
	if name := f.info["server_name"]; name != "" {
		what = fmt.Sprintf("%s %s, as Redis %s", name, f.info[name+"_version"], version)
	}
	if older(version, oldest) {
		return Finding{Fail, what + " is too old: dead tasks cannot be archived", "upgrade to Redis " + oldest + " or later"}
	}
	return Finding{Level: OK, What: what}
}

func (f facts) role() Finding {
	switch f.info["role"] {
	case "":
		return f.unknown("whether it is a master")
	case "master":
		return Finding{Level: OK, What: "it is a master, with " + count(f.info["connected_slaves"], "replica")}
	}
	return Finding{
		Fail, "it is a " + f.info["role"] + ", which takes no writes", "let redis.url name the master, or the sentinels: redis-sentinel://host:26379/0?master=name",
	}
}

func count(n, what string) string {
	if n != "1" {
		what += "s"
	}
	return n + " " + what
}

// mode tells of a server that is something else than redis.url says.
func (f facts) mode() []Finding {
	switch f.info["redis_mode"] {
	case "sentinel":
		return []Finding{{Fail, "it is a sentinel, and keeps no data", "begin redis.url with redis-sentinel://, and name the master: ?master=name"}}
	case "cluster":
		return []Finding{{Fail, "it is a node of a cluster, and redis.url names one server", "begin redis.url with redis-cluster://"}}
	}
	return nil
}

func (f facts) policy() Finding {
	policy, ok := f.info["maxmemory_policy"]
	if !ok {
		var err error
		if policy, err = f.config("maxmemory-policy"); err != nil {
			return f.unknown("maxmemory-policy")
		}
	}
	mend := "CONFIG SET maxmemory-policy noeviction," + console
	switch {
	case policy == "noeviction":
		return Finding{Level: OK, What: "maxmemory-policy is noeviction"}
	case strings.HasPrefix(policy, "volatile-"):
		return Finding{Warn, "maxmemory-policy is " + policy + ": a full Redis drops cached URLs and reports of workers", mend}
	}
	return Finding{Fail, "maxmemory-policy is " + policy + ": a full Redis drops tasks", mend}
}

func (f facts) memory() Finding {
	used, known := f.number("used_memory")
	limit, bounded := f.number("maxmemory")
	if !known || !bounded {
		return f.unknown("how full it is")
	}
	if limit == 0 {
		return Finding{
			Warn, fmt.Sprintf("there is no maxmemory: %s are used, and what grows without end takes the machine with it", mebibytes(used)),
			"CONFIG SET maxmemory to three quarters of the machine's memory," + console,
		}
	}
	if own, ok := f.number("mem_not_counted_for_evict"); ok {
		used -= own // buffers for replicas and the append-only file, which do not count
	}
	share := used * 100 / limit
	what := fmt.Sprintf("%d %% of maxmemory are used, %s of %s", share, mebibytes(used), mebibytes(limit))
	const mend = "raise maxmemory, or find out what fills it: redis-cli --bigkeys, afterput queues list"
	switch {
	case used >= limit:
		return Finding{Fail, what + ": Redis takes no more writes", mend}
	case share >= fullWarn:
		return Finding{Warn, what, mend}
	}
	return Finding{Level: OK, What: what}
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// persistence tells what a restart of Redis forgets. The ledger knows it all, so that
// forgetting costs time and no upload.
func (f facts) persistence() Finding {
	switch {
	case f.info["aof_enabled"] == "":
		return f.unknown("whether it keeps an append-only file")
	case f.info["aof_last_write_status"] == "err", f.info["rdb_last_bgsave_status"] == "err":
		return Finding{
			Fail, "Redis could not write to its disk the last time, and may take no writes", "mend the disk: redis-cli INFO persistence, and the log of Redis",
		}
	case f.info["aof_enabled"] == "0":
		return Finding{
			Warn, "there is no append-only file: a restart forgets what is queued, and the sweep has to queue it again",
			"CONFIG SET appendonly yes," + console,
		}
	}
	sync, err := f.config("appendfsync")
	switch {
	case err != nil:
		return Finding{
			Skip, "there is an append-only file; its appendfsync cannot be told: " + err.Error(), "see that it is everysec or always",
		}
	case sync == "no":
		return Finding{
			Warn, "appendfsync is no: a machine that fails forgets up to half a minute of what was queued", "CONFIG SET appendfsync everysec," + console,
		}
	}
	return Finding{Level: OK, What: "there is an append-only file, and appendfsync is " + sync}
}
