'use strict'
// cos-wx-sdk-v5, the SDK for mini programs, uploads with a signature that afterput made.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')

const { at, byParts } = require('./lib/cos.js')
const { Phone } = require('./lib/wx.js')
const { World, fileID, sample, video } = require('./lib/world.js')

/** Loads the SDK as a mini program does, where wx and window are there from the start. */
function sdk(phone) {
  globalThis.window = globalThis
  globalThis.wx = phone.wx()
  return require('cos-wx-sdk-v5')
}

test('cos-wx-sdk-v5 with our signatures', { timeout: 120000 }, async (t) => {
  const world = await World.start(t, { AFTERPUT_CHECK_MAX_VIDEO_BYTES: '200MB' })
  world.addOrder('W1')
  world.addOrder('W2')
  const phone = new Phone(sample('photo.jpg'), video(path.join(world.dir, 'large.mp4'), 120000000))
  const COS = sdk(phone)
  const { body: signed } = await world.ask('/put-sign?ext=jpg&order=W1&position=0')
  const cos = new COS({
    Domain: `http://${world.cosAddr}`,
    getAuthorization: (_, callback) => callback({ Authorization: signed.authorization }),
  })
  const bytes = fs.readFileSync(phone.file)
  const body = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)

  await t.test('putObject ends in the order that the signer knew', async () => {
    const { statusCode } = await cos.putObject({ ...at(signed.cosKey), Body: body })
    assert.equal(statusCode, 200)
    assert.equal((await world.outcome(signed.cosKey)).state, 'done')
    assert.deepEqual(world.images('W1'), [fileID(signed.cosKey)])
    assert.deepEqual(phone.sent, [`PUT /${signed.cosKey}`])
  })

  // Its form has a signature without a policy, with which any key could be written: ours
  // is of one PUT, and does not open it.
  await t.test('postObject is refused', async () => {
    await assert.rejects(cos.postObject({ ...at(signed.cosKey), FilePath: phone.temp }), (err) => err.statusCode === 403)
  })

  await t.test('sliceUploadFile of a video of 120 MB ends in the order', async () => {
    const { body: { cosKey } } = await world.ask('/put-sign?ext=mp4&order=W2&position=0&multipart=1')
    const inParts = new COS({ Domain: `http://${world.cosAddr}`, getAuthorization: byParts(world, cosKey, []) })
    const { ETag } = await inParts.sliceUploadFile({ ...at(cosKey), FilePath: [...phone.album.keys()][1], ChunkSize: 16000000 })
    assert.match(ETag, /-8"?$/, 'it came in eight parts')
    const outcome = await world.outcome(cosKey)
    assert.equal(outcome.state, 'done', JSON.stringify(outcome))
    assert.equal(outcome.size, 120000000)
    assert.deepEqual(world.images('W2'), [fileID(cosKey)])
  })
})
