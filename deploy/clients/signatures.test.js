'use strict'
// Our signatures and those of cos-nodejs-sdk-v5 are the same bytes.

const assert = require('node:assert/strict')
const crypto = require('node:crypto')
const test = require('node:test')

const { COS } = require('./lib/cos.js')
const { World, backstage } = require('./lib/world.js')

// The published pair of the vendor's example (COS 436/7778).
const SecretId = 'AKIDQjz3ltompVjBni5LitkWHFlFpwkn9U5q'
const SecretKey = 'BQYIM75p8x0iWVFSIgqEKwFprpRSVHlz'
const host = 'examplebucket-1250000000.cos.ap-beijing.myqcloud.com'
const pieces = ['图', '片（一）', '腾讯云', ' ', '  ', '+', '%', '%2F', '%E5%9B', '😀', '👩‍👧‍👦', '🇨🇳', 'é', 'e\u0301', '~', '!', "'", '(', ')', '*',
  '&', '=', '?', '#', ';', ':', '@', ',', '$', '"', '<', '>', '[', ']', '{', '}', '|', '\\', '^', '`', '.', '..', '-', '_', '/', 'A', 'z', '0']

/** Numbers from 0 to n-1 that are the same in every run. */
function chance(seed) {
  return (n) => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return Math.floor((seed / 2147483648) * n)
  }
}

function randomKey(below) {
  const length = 2 + below(12)
  return 'users/o/' + Array.from({ length }, () => pieces[below(pieces.length)]).join('')
}

const sdk = (Method, Key, KeyTime) => COS.getAuthorization({ SecretId, SecretKey, KeyTime, Method, Key, Query: {}, Headers: { Host: host } })

test('the vendor\'s own example', () => {
  const want = '4233f1a8dfd9bbd0c98bace644dedd14975dff1b'
  const [ours] = backstage('sign', {
    id: SecretId, secret: SecretKey, start: 1557989753, end: 1557996953,
    requests: [{ method: 'PUT', path: '/file/20190516/20190516_123456.jpg', host }],
  })
  assert.ok(ours.endsWith(`&q-signature=${want}`), ours)
})

test('1,000 random keys', () => {
  const below = chance(20260105)
  const asked = Array.from({ length: 1000 }, () => ({ method: ['PUT', 'GET', 'HEAD', 'POST', 'DELETE'][below(5)], key: randomKey(below) }))
  for (const kind of [/图/, / /, /\+/, /%/, /😀/u]) assert.ok(asked.filter(({ key }) => kind.test(key)).length > 50, String(kind))
  const ours = backstage('sign', {
    id: SecretId, secret: SecretKey, start: 1800000000, end: 1800000900,
    requests: asked.map(({ method, key }) => ({ method, path: `/${key}`, host })),
  })
  const different = new Set(asked.map(({ method, key }) => `${method} ${key}`))
  assert.ok(different.size > 900)
  assert.equal(new Set(ours).size, different.size, 'no two share a signature')
  asked.forEach(({ method, key }, i) => assert.equal(ours[i], sdk(method, key, '1800000000;1800000900'), `${method} ${key}`))
})

test('what the doors answer', { timeout: 120000 }, async (t) => {
  const world = await World.start(t)
  const { body: put } = await world.ask('/put-sign?ext=jpg')
  const keyTime = /q-key-time=([0-9;]+)/.exec(put.authorization)[1]
  assert.equal(put.authorization, COS.getAuthorization({
    SecretId: world.secretId, SecretKey: world.secretKey, KeyTime: keyTime, Method: 'PUT', Key: put.cosKey, Query: {}, Headers: { Host: put.cosHost },
  }))

  // The SDK has no policies; this is the arithmetic of COS 436/14690.
  const { body: post } = await world.ask('/post-policy?ext=jpg')
  const hmac = (key, text) => crypto.createHmac('sha1', key).update(text).digest('hex')
  const policy = Buffer.from(post.policy, 'base64').toString('utf8')
  assert.deepEqual(JSON.parse(policy), post.policyObj)
  assert.equal(post.qSignature, hmac(hmac(world.secretKey, post.qKeyTime), crypto.createHash('sha1').update(policy).digest('hex')))
})
