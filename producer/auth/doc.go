// Package auth says who may come in: bearer keys with scopes, backends that sign what
// they post (Standard Webhooks), and end users with a JSON Web Token.
//
// A request enters with "Authorization: Bearer <key or token>", with HTTP Basic and the
// key as the password, which lets a browser open the monitor, or with the three headers
// of Standard Webhooks. It leaves with the caller in its context, or is answered with a
// status and a JSON body {"code","message","requestId"}. The package knows nothing of
// the rest of afterput.
package auth
