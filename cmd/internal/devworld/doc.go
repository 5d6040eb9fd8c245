// Package devworld is everything around afterput that a machine without services lacks:
// an embedded Redis, a COS server on disk, an orders database and a receiver of
// webhooks, on loopback. The code of production runs in it unchanged, over the
// configuration that Start leaves in the world's folder.
package devworld
