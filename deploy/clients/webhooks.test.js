'use strict'
// The official standardwebhooks package verifies what afterput sends.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const http = require('node:http')
const test = require('node:test')

const { Webhook } = require('standardwebhooks')

const { at, withKeys } = require('./lib/cos.js')
const { World, fileID, owner, sample, until } = require('./lib/world.js')

const secret = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='

/** A receiver that keeps what comes and answers with the statuses in turn, then 204. */
async function sink(t, statuses = []) {
  const received = []
  const server = http.createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    received.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') })
    response.writeHead(statuses.shift() || 204).end()
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  }))
  return { received, url: `http://127.0.0.1:${server.address().port}/hooks` }
}

test('standardwebhooks verifies what afterput sends', { timeout: 120000 }, async (t) => {
  const { received, url } = await sink(t, [500])
  const world = await World.start(t, { AFTERPUT_HOOKS_URL: url, AFTERPUT_HOOKS_SECRETS: secret })
  const cos = withKeys(world)
  const key = 'users/oDev/图 片+1.jpg'
  await cos.putObject({ ...at(key), Body: fs.readFileSync(sample('photo.jpg')) })
  await until('the webhook and its second try', () => received.length >= 2)

  const verifier = new Webhook(secret)
  const [first, second] = received
  assert.equal(first.headers['webhook-id'], second.headers['webhook-id'], 'a try again has the same ID')
  assert.equal(first.body, second.body)
  for (const { headers, body } of [first, second]) {
    const event = verifier.verify(body, headers)
    assert.equal(event.type, 'upload.done')
    assert.equal(event.data.key, key)
    assert.equal(event.data.thumbnails.length, 3)
    assert.equal(headers['content-type'], 'application/json')
    assert.throws(() => verifier.verify(body.replace('upload.done', 'upload.gone'), headers))
    assert.throws(() => verifier.verify(body, { ...headers, 'webhook-id': 'another' }))
    assert.throws(() => new Webhook('whsec_' + Buffer.alloc(32, 7).toString('base64')).verify(body, headers))
  }

  received.length = 0
  await cos.putObject({ ...at('users/oDev/page.jpg'), Body: '<!DOCTYPE html><html><body>not a photo</body></html>' })
  await until('the webhook of a refused file', () => received.length >= 1)
  const event = verifier.verify(received[0].body, received[0].headers)
  assert.equal(event.type, 'upload.rejected')
  assert.equal(event.data.reason, 'TYPE_NOT_ALLOWED')
})

test('standardwebhooks verifies order.updated with the array', { timeout: 120000 }, async (t) => {
  const { received, url } = await sink(t, [500])
  const world = await World.start(t, {
    AFTERPUT_HOOKS_URL: url, AFTERPUT_HOOKS_SECRETS: secret, AFTERPUT_HOOKS_EVENTS: 'order.updated',
  })
  const cos = withKeys(world)
  const keys = ['users/oDev/图 片+1.jpg', 'users/oDev/2.jpg']
  const put = (position) => cos.putObject({
    ...at(keys[position]), Body: fs.readFileSync(sample('photo.jpg')),
    'x-cos-meta-order-id': 'W/1', 'x-cos-meta-position': String(position),
  })
  const verifier = new Webhook(secret)
  const told = (revision) => received.filter(({ body }) => JSON.parse(body).data.revision === revision)

  world.addOrder('W/1')
  await put(0)
  await until('the first update and its second try', () => told(1).length >= 2)
  await put(1)
  await until('the second update', () => told(2).length >= 1)

  const ids = new Map()
  for (const { headers, body } of received) {
    const { type, data } = verifier.verify(body, headers)
    assert.equal(type, 'order.updated', 'it asked for nothing else')
    assert.equal(data.order, 'W/1')
    assert.equal(data.owner, owner)
    assert.deepEqual(data.fileIDs, keys.slice(0, data.revision).map(fileID))
    const id = headers['webhook-id']
    assert.match(id, new RegExp(`^ord_[^.]+\\.${data.revision}$`))
    ids.set(data.revision, (ids.get(data.revision) || new Set()).add(id))
    assert.throws(() => verifier.verify(body.replace('2.jpg', '3.jpg').replace('1.jpg', '3.jpg'), headers))
    assert.throws(() => verifier.verify(body, { ...headers, 'webhook-id': id.replace(/\d+$/, '9') }))
  }
  assert.deepEqual([...ids].map(([revision, of]) => [revision, of.size]), [[1, 1], [2, 1]], 'one webhook-id for each revision, however often it is sent')
  assert.deepEqual(world.images('W/1'), keys.map(fileID))
})
