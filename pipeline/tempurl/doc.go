// Package tempurl finds the URLs under which objects can be fetched and keeps those of
// public objects in Redis.
//
// Resolver answers with plain URLs of public COS objects. Cache keeps them under a key
// and in a form that programs in any language can read. URLs of private objects are
// minted by Presign, for one request, and never come near the cache.
//
// After a file turned private no cached URL of it older than five minutes is left: an
// entry goes after that time unless a Keeper found that its file still is public.
//
// # The cache, for other languages
//
// Key: afterput:url:{fileID}, with the fileID literally in place of the braces:
//
//	GET "afterput:url:cloud://env.bucket-125/users/oX/1.jpg"
//
// Value: {"url":"https://...","expiresAt":1700000000}; expiresAt is unix seconds, 0 for a
// URL that does not expire by itself. The key is gone before the URL stops working. No
// key means: not cached; ask POST /v1/temp-urls. Ignore fields that you do not know, and
// never write: afterput:url-checks lists what has to be looked at again.
//
// The package imports pipeline, pipeline/cloudbase and go-redis.
package tempurl
