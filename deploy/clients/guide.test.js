'use strict'
// The PUT and the POST of Tencent's guide for mini programs: a phone that knows nothing of
// afterput uploads one photo, and the photo is in the order.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const test = require('node:test')
const vm = require('node:vm')

const { at, publish, withKeys } = require('./lib/cos.js')
const { page } = require('./lib/page.js')
const { shop } = require('./lib/shop.js')
const { Phone } = require('./lib/wx.js')
const { World, fileID, sample, until } = require('./lib/world.js')

const timeout = 120000
const presets = ['large', 'medium', 'small']

// What the phone sends in all: it asks for the signature and uploads, nothing afterwards.
const requests = {
  PUT: (key) => ['GET /put-sign', `PUT /${key}`],
  POST: () => ['GET /post-policy', 'POST /'],
}

for (const method of ['PUT', 'POST']) {
  test(`our page: ${method}`, { timeout }, (t) => upload(t, method, (wx, server) => page(wx, server)[method]()))
  // The text is not ours, so it is read from where it was saved.
  test(`the guide's own text: ${method}`, {
    timeout, skip: process.env.AFTERPUT_GUIDE ? false : 'AFTERPUT_GUIDE names no file with the text of the guide',
  }, (t) => upload(t, method, (wx, server) => vm.runInNewContext(`${guide(method, server)}\nuploadFile();`, {
    wx, console: { log() {} }, encodeURIComponent, JSON,
  })))
}

/** One photo on its way from the phone into the order, with everything that has to follow. */
async function upload(t, method, run) {
  const world = await World.start(t)
  await publish(world)
  world.addOrder('A12')
  const phone = new Phone(sample('photo.jpg'))
  run(phone.wx(), await shop(t, world, 'A12', 0))
  const shown = await phone.done()
  assert.equal(shown.title, 'Upload succeeded', shown.content)

  const key = decodeURIComponent(new URL(shown.content).pathname.slice(1))
  const outcome = await world.outcome(key)
  assert.equal(outcome.state, 'done', JSON.stringify(outcome))
  assert.equal(outcome.owner, 'oDev')
  assert.equal(outcome.contentType, 'image/jpeg')
  assert.deepEqual(outcome.orders, [{ order: 'A12', position: 0, attached: true }])
  assert.deepEqual(world.images('A12'), [fileID(key)])

  const { result } = outcome.steps.find((s) => s.step === 'thumbnail')
  assert.deepEqual(result.thumbnails.map((thumbnail) => thumbnail.preset).sort(), presets)
  for (const thumbnail of result.thumbnails) {
    const head = await withKeys(world).headObject(at(thumbnail.key))
    assert.equal(Number(head.headers['content-length']), thumbnail.bytes)
  }
  const cached = await until('the cached URL', () => world.cachedURL(fileID(key)))
  const fetched = await fetch(cached.url)
  assert.equal(fetched.status, 200)
  assert.deepEqual(Buffer.from(await fetched.arrayBuffer()), fs.readFileSync(phone.file))
  assert.deepEqual(phone.sent, requests[method](key))
}

/** The client code of the guide with three changes: regexes, server address, https to http. */
function guide(method, server) {
  const text = fs.readFileSync(process.env.AFTERPUT_GUIDE, 'utf8')
  const [heading, end] = { POST: ['Upload Using POST', 'Use PUT Upload'], PUT: ['Use PUT Upload', 'References'] }[method]
  const from = text.indexOf('var uploadFile', text.indexOf(`\n${heading}\n`))
  let code = text.slice(from, text.indexOf(`\n${end}\n`, from))
  const change = (what, to, count) => {
    assert.equal(code.split(what).length - 1, count, `${what} in the guide`)
    code = code.replaceAll(what, to)
  }
  for (const c of ['(', ')', '*']) change(`/\\\\${c}/g`, `/\\${c}/g`, 1)
  change('http://127.0.0.1:3000', server, 1)
  change("'https://' + AuthData.cosHost", "'http://' + AuthData.cosHost", 1)
  return code
}
