package config

import "strconv"

// Source is the kind of place that a value came from.
type Source string

// The sources, the strongest first.
const (
	FromFlag    Source = "flag"
	FromEnv     Source = "env"
	FromFile    Source = "file"
	FromDefault Source = "default"
)

// Origin says where a value came from.
type Origin struct {
	Source Source
	// Name is the environment variable or the file; empty for flags and defaults.
	Name string
	// Line is the line in the file, from 1; else 0.
	Line int
}

// String prints env AFTERPUT_REDIS_URL, afterput.yaml:12, flag or default.
func (o Origin) String() string {
	switch o.Source {
	case FromEnv:
		return "env " + o.Name
	case FromFile:
		return o.Name + ":" + strconv.Itoa(o.Line)
	case FromFlag:
		return string(FromFlag)
	case FromDefault:
	}
	return string(FromDefault)
}

// Origin tells where the value of a key such as redis.url or buckets[0].name came from.
func (c *Config) Origin(key string) Origin {
	if o, ok := c.origins[key]; ok {
		return o
	}
	return Origin{Source: FromDefault}
}

func (c *Config) setOrigin(key string, o Origin) {
	if c.origins == nil {
		c.origins = make(map[string]Origin)
	}
	c.origins[key] = o
}

// where is the origin as a finding shows it: nothing for a default.
func (c *Config) where(key string) string {
	o := c.Origin(key)
	if o.Source == FromDefault {
		return ""
	}
	return o.String()
}
