// Package sts asks Tencent's Security Token Service for temporary keys: GetFederationToken
// (STS 1312/48195).
//
// A policy enters; a temporary key leaves that may do what the policy says and nothing
// else. The package imports pipeline, pipeline/cloudapi, pipeline/qsign and producer/sign.
package sts
