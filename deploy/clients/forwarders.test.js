'use strict'
// The two forwarders, as their platforms run them: a handler, an event, a context.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')
const test = require('node:test')

const { Webhook } = require('standardwebhooks')

const { at, withKeys } = require('./lib/cos.js')
const { World, bucket, fileID, owner, sample, uploadID } = require('./lib/world.js')

const forwarders = path.join(__dirname, '..', 'forwarders')
const { main_handler: scf } = require(path.join(forwarders, 'scf'))
const { main: cloudbase } = require(path.join(forwarders, 'cloudbase'))

const timeout = 120000
const secret = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='
const wrongSecret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

// The variables of a function are those of its process. Tests in a file run one by one.
function deployed(url, key = secret) {
  process.env.AFTERPUT_URL = url
  process.env.AFTERPUT_WEBHOOK_SECRET = key
}

let calls = 0
/** What a platform hands to a function besides the event. */
const context = (values = {}) => ({ request_id: `request-${++calls}`, time_limit_in_ms: 30000, ...values })

/** The event of a COS trigger (COS 583/9707). */
function cosEvent(key) {
  const [, name, appid] = /^(.*)-(\d+)$/.exec(bucket)
  return { Records: [{
    cos: {
      cosBucket: { appid, name, region: 'gz', cosRegion: 'ap-guangzhou', s3Region: 'ap-guangzhou' },
      cosNotificationId: 'unkown',
      cosObject: {
        key: `/${appid}/${name}/${key}`, meta: { 'Content-Type': 'image/jpeg' }, size: 1000, vid: '',
        url: `http://${bucket}.cos.ap-guangzhou.myqcloud.com/${encodeURI(key)}`,
      },
      cosSchemaVersion: '1.0',
    },
    event: {
      eventName: 'cos:ObjectCreated:Put', eventQueue: `qcs:0:scf:ap-guangzhou:appid/${appid}:default.forward.$DEFAULT`,
      eventSource: 'qcs::cos', eventTime: 1795222917, eventVersion: '1.0', reqid: 0,
      requestParameters: { requestHeaders: { Authorization: '' }, requestSourceIP: '127.0.0.1' }, reservedInfo: '',
    },
  }] }
}

/** Collects the warnings of a function, which are its log. */
function warnings(t) {
  const lines = []
  t.mock.method(console, 'warn', (line) => lines.push(line))
  return lines
}

/** A server that answers with these in turn and keeps what came. */
async function stub(t, answers) {
  const received = []
  const server = http.createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    received.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8'), path: request.url })
    const { status, headers, body } = answers.shift()
    response.writeHead(status, headers).end(body)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  }))
  return { received, url: `http://127.0.0.1:${server.address().port}` }
}

test('both folders hold the same send.js', () => {
  const text = (folder) => fs.readFileSync(path.join(forwarders, folder, 'send.js'), 'utf8')
  assert.equal(text('cloudbase'), text('scf'))
})

test('against a real afterput', { timeout }, async (t) => {
  const world = await World.start(t, { AFTERPUT_AUTH_WEBHOOK_SECRETS: secret })
  deployed(`${world.url}/`)
  // Of an object that is not there: the COS of this world reports those that are by itself.
  const event = cosEvent(`users/${owner}/片 1+2.jpg`)

  await t.test('scf: accepted', async () => {
    const { results } = await scf(event, context({ request_id: 'once' }))
    assert.deepEqual(results, [{ key: `users/${owner}/片 1+2.jpg`, uploadId: uploadID(`users/${owner}/片 1+2.jpg`), status: 'accepted' }])
  })

  await t.test('scf: the platform\'s retry, and another call, are duplicates', async () => {
    for (const request_id of ['once', 'twice']) {
      const { results } = await scf(event, context({ request_id }))
      assert.equal(results[0].status, 'duplicate', request_id)
    }
    const { body } = await world.ask(`/v1/uploads/${uploadID(`users/${owner}/片 1+2.jpg`)}`)
    assert.equal(body.announcements, 2, 'the retry counts for nothing')
  })

  await t.test('scf: what afterput refuses is in the log', async (t) => {
    const lines = warnings(t)
    const { results } = await scf(cosEvent('nobodys.jpg'), context())
    assert.equal(results[0].code, 'OWNER_MISSING')
    assert.match(lines.join('\n'), /refused nobodys\.jpg: OWNER_MISSING/)
  })

  await t.test('scf: what is no event is thrown at once', async () => {
    await assert.rejects(scf({ hello: 'world' }, context()), /status 400: NO_RECORDS/)
  })

  await t.test('a wrong secret is thrown at once', async (t) => {
    const lines = warnings(t)
    deployed(world.url, wrongSecret)
    await assert.rejects(scf(cosEvent(`users/${owner}/forged.jpg`), context()), /status 401/)
    await assert.rejects(cloudbase({ files: [`users/${owner}/forged.jpg`] }, context({ environ: `WX_OPENID=${owner}` })), /status 401/)
    deployed(world.url)
    assert.deepEqual(lines, [], 'without trying again')
    assert.equal((await world.ask(`/v1/uploads/${uploadID(`users/${owner}/forged.jpg`)}`)).status, 404)
  })

  await t.test('cloudbase: a photo comes into the order', async () => {
    world.addOrder('C1')
    const key = `users/${owner}/from the phone.jpg`
    await withKeys(world).putObject({ ...at(key), Body: fs.readFileSync(sample('photo.jpg')) })
    const call = { order: 'C1', files: [fileID(key)], owner: 'oSomebodyElse', userInfo: { openId: 'oSomebodyElse' } }
    const answer = await cloudbase(call, context({ environment: JSON.stringify({ WX_OPENID: owner }) }))
    assert.equal(answer.order, 'C1')
    assert.equal((await world.outcome(key)).state, 'done')
    assert.deepEqual(world.images('C1'), [fileID(key)])
  })

  await t.test('cloudbase: the owner is who called', async () => {
    const call = { files: [`users/${owner}/1.jpg`] }
    await assert.rejects(cloudbase(call, context({ environ: 'A=b;WX_OPENID=oSomebodyElse;C=d' })), /status 40[03]: OWNER_MISMATCH/)
    await assert.rejects(cloudbase(call, context()), /no openid/)
  })

  await t.test('down, then up: the same call succeeds', async (t) => {
    await world.stop()
    let failures = 0
    const seen = new Promise((resolve) => t.mock.method(console, 'warn', () => {
      if (++failures === 2) resolve()
    }))
    const key = `users/${owner}/while down.jpg`
    const call = scf(cosEvent(key), context({ time_limit_in_ms: 60000 }))
    await seen
    await world.up()
    assert.equal((await call).results[0].status, 'accepted')
  })

  await t.test('down for good: thrown before the function\'s time is over', async (t) => {
    warnings(t)
    await world.stop()
    const briefly = [{ time_limit_in_ms: 1500 }, { getRemainingTimeInMillis: () => 1500 }, {}]
    for (const given of briefly) {
      await assert.rejects(scf(cosEvent(`users/${owner}/lost.jpg`), given), /ECONNREFUSED.*\(\d+ tries\)/)
    }
  })
})

test('what goes over the wire', { timeout }, async (t) => {
  const lines = warnings(t)
  const accepted = { status: 202, body: JSON.stringify({ results: [] }) }
  const { received, url } = await stub(t, [
    { status: 503, headers: { 'Retry-After': '1' }, body: '{"code":"UNAVAILABLE","message":"later"}' },
    { status: 502, body: '<html>a proxy</html>' },
    { status: 408, body: '{"code":"BODY_TOO_SLOW","message":"a bad line"}' },
    { status: 200, body: '<html>a login page</html>' },
    accepted, accepted,
  ])
  deployed(url)
  const event = cosEvent(`users/${owner}/图.jpg`)
  await scf(event, context())
  assert.equal(received.length, 5)
  assert.match(lines[0], /status 503: UNAVAILABLE: later: try 2 in 1\d\d\d ms/)
  for (const request of received) {
    assert.deepEqual(new Webhook(secret).verify(request.body, request.headers), event, 'the event as it is')
    assert.equal(request.headers['webhook-id'], received[0].headers['webhook-id'], 'all tries are one call')
    assert.equal(request.path, '/v1/events/cos')
  }
  // The same body in another call may be another upload in the same second.
  await scf(event, context())
  assert.notEqual(received[5].headers['webhook-id'], received[0].headers['webhook-id'])
})

test('a function that was not set up says so', async () => {
  deployed('http://127.0.0.1:1', '')
  await assert.rejects(scf(cosEvent('users/o/1.jpg'), context()), /AFTERPUT_WEBHOOK_SECRET/)
  deployed('')
  await assert.rejects(scf(cosEvent('users/o/1.jpg'), context()), /AFTERPUT_URL/)
})
