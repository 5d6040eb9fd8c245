// Package monitor mounts asynqmon: queues and tasks as asynq sees them, archived tasks
// included. It is read-only unless writes are allowed, and takes writes only from its
// own pages. Authentication is the caller's.
package monitor
