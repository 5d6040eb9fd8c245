'use strict'
// cos-wx-sdk-v5, the SDK for mini programs, uploads with a signature that afterput made.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const test = require('node:test')

const { at } = require('./lib/cos.js')
const { Phone } = require('./lib/wx.js')
const { World, fileID, sample } = require('./lib/world.js')

/** Loads the SDK as a mini program does, where wx and window are there from the start. */
function sdk(phone) {
  globalThis.window = globalThis
  globalThis.wx = phone.wx()
  return require('cos-wx-sdk-v5')
}

test('cos-wx-sdk-v5 with our signatures', { timeout: 120000 }, async (t) => {
  const world = await World.start(t)
  world.addOrder('W1')
  const phone = new Phone(sample('photo.jpg'))
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
})
