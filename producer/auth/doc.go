// Package auth says who may come in: bearer keys with scopes.
//
// A request enters with "Authorization: Bearer <key>", or HTTP Basic with the key as the
// password and any user name, which lets a browser open the monitor. It leaves with the
// caller in its context, or is answered with 401 or 403 and a JSON body. The package
// imports the standard library only.
package auth
