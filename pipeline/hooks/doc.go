// Package hooks tells subscribers how uploads ended and orders changed, by signed webhooks.
//
// The form is Standard Webhooks (standardwebhooks.com): a JSON body and the headers
// webhook-id, webhook-timestamp and webhook-signature. The id and the body of a
// delivery stay byte for byte the same when it is tried again, so that a receiver can
// drop what it has seen; the timestamp is that of the try, because receivers refuse one
// that is more than five minutes off.
//
// A pipeline.Event and the name of an endpoint enter a Set, one POST leaves. Each endpoint has a
// Sender with a circuit of its own, so that one that fails is left alone for a while; one
// that answers 410 is disabled in the Book, which the caller provides. Retrying is the
// caller's too; the class of the error says how. The package imports pipeline and the
// Standard Webhooks library.
package hooks
