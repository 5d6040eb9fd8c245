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
	// Inherited is what a bucket or an order store did not set.
	Inherited Source = "inherited"
)

// Origin says where a value came from.
type Origin struct {
	Source Source
	// Name is the environment variable, the file or, of what is inherited, the key that it
	// comes from; empty for flags and defaults.
	Name string
	// Line is the line in the file, from 1; else 0.
	Line int
}

// String prints env AFTERPUT_REDIS_URL, afterput.yaml:12, flag, as check.maxPixels or
// default.
func (o Origin) String() string {
	switch o.Source {
	case FromEnv:
		return "env " + o.Name
	case FromFile:
		return o.Name + ":" + strconv.Itoa(o.Line)
	case FromFlag:
		return string(FromFlag)
	case Inherited:
		return "as " + o.Name
	case FromDefault:
	}
	return string(FromDefault)
}

// Origin tells where the value of a key such as redis.url or buckets[0].name came from.
func (c *Config) Origin(key string) Origin {
	if o, ok := c.origins[key]; ok {
		return o
	}
	if list := c.inheritedFrom(key); list != "" { // an element of a list that is inherited
		return Origin{Source: Inherited, Name: c.origins[list].Name + key[len(list):]}
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
