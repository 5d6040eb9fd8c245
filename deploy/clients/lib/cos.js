'use strict'
// The SDK clients, led to the COS of a world.

const COS = require('cos-nodejs-sdk-v5')

const { bucket, region } = require('./world.js')

/** The SDK with the key pair of the bucket's owner. */
function withKeys(world, options = {}) {
  return client(world, { SecretId: world.secretId, SecretKey: world.secretKey, ...options })
}

/** The SDK with signatures that are made elsewhere. */
function withSignature(world, authorization, options = {}) {
  return client(world, { getAuthorization: (_, callback) => callback({ Authorization: authorization }), ...options })
}

/** Asks afterput for the signature of each request of one multipart upload; asked keeps the answers. */
const byParts = (world, cosKey, asked) => async ({ Method, Query }, callback) => {
  const answer = await world.ask(`/multipart-sign?${new URLSearchParams({ ...Query, cosKey, method: Method })}`)
  asked.push(answer)
  callback({ Authorization: answer.body.authorization || 'refused', SecurityToken: answer.body.securityToken })
}

/** The SDK with those signatures. */
const withParts = (world, cosKey, asked) => client(world, { getAuthorization: byParts(world, cosKey, asked) })

function client(world, options) {
  return new COS({ Protocol: 'http:', Domain: world.cosAddr, ...options })
}

/** Where an object lies, for each call of the SDK. */
const at = (key) => ({ Bucket: bucket, Region: region, Key: key })

/** Makes everything in the bucket readable by everybody. */
const publish = (world) => withKeys(world).putBucketAcl({ Bucket: bucket, Region: region, ACL: 'public-read' })

module.exports = { COS, at, byParts, publish, withKeys, withParts, withSignature }
