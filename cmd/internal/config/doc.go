// Package config holds every setting of afterput: the schema, its defaults, how it is
// loaded (flag > environment > file > default), validated and shown.
//
// It reads afterput.yaml, the environment that the caller hands in and the flags that
// the command line parsed; it leaves as one Config with the origin of each value. A
// wrong setting never stops at the first: all findings are collected, and each says
// where it stands, what is wrong and what to do. Secrets are types of their own that
// print as [redacted].
//
// A key is written as in the file, with dots: redis.url, buckets[0].name. Its
// environment variable is AFTERPUT_ and the path in upper snake case:
// AFTERPUT_REDIS_URL, AFTERPUT_BUCKETS_0_NAME. The package imports the standard
// library and a YAML parser; it knows no other package of afterput.
package config
