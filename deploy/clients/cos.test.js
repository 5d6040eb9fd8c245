'use strict'
// cos-nodejs-sdk-v5 uploads with signatures that afterput made, and large videos in parts.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')

const { at, withKeys, withParts, withSignature } = require('./lib/cos.js')
const { World, fileID, sample, video } = require('./lib/world.js')

const timeout = 120000
const MB = 1000000

/** What /put-sign answers. */
async function putSign(world, query) {
  const { status, body } = await world.ask(`/put-sign?${query}`)
  assert.equal(status, 200, JSON.stringify(body))
  return body
}

const status = (code) => (err) => err.statusCode === code

test('cos-nodejs-sdk-v5 with our signatures', { timeout }, async (t) => {
  const world = await World.start(t)
  const photo = fs.readFileSync(sample('photo.jpg'))

  await t.test('putObject ends in the order that the signer knew', async () => {
    world.addOrder('A1')
    const signed = await putSign(world, 'ext=jpg&order=A1&position=0')
    assert.equal(signed.cosHost, world.cosAddr)
    await withSignature(world, signed.authorization).putObject({ ...at(signed.cosKey), Body: photo })
    assert.equal((await world.outcome(signed.cosKey)).state, 'done')
    assert.deepEqual(world.images('A1'), [fileID(signed.cosKey)])
  })

  await t.test('uploadFile puts a small file in one piece', async () => {
    const signed = await putSign(world, 'ext=jpg')
    await withSignature(world, signed.authorization).uploadFile({ ...at(signed.cosKey), FilePath: sample('photo.jpg'), SliceSize: 5 * MB })
    assert.equal((await world.outcome(signed.cosKey)).state, 'done')
  })

  await t.test('a signature opens no other key and no other method', async () => {
    const signed = await putSign(world, 'ext=jpg')
    const cos = withSignature(world, signed.authorization)
    await assert.rejects(cos.putObject({ ...at(signed.cosKey.replace(/.{5}\.jpg$/, 'other.jpg')), Body: photo }), status(403))
    await assert.rejects(cos.deleteObject(at(signed.cosKey)), status(403))
    await cos.putObject({ ...at(signed.cosKey), Body: photo })
    await assert.rejects(cos.deleteObject(at(signed.cosKey)), status(403))
  })

  await t.test('forbidOverwrite holds against a second PUT', async () => {
    const signed = await putSign(world, 'ext=jpg&forbidOverwrite=1')
    const put = () => withSignature(world, signed.authorization).putObject({ ...at(signed.cosKey), Body: photo, Headers: signed.headers })
    await put()
    await assert.rejects(put(), status(409))
  })

  // A signature of /put-sign is one PUT of one key. Parts have a door of their own, which
  // signs them for a key that was asked for with multipart=1.
  await t.test('sliceUploadFile is refused with the signature of a PUT', async () => {
    const signed = await putSign(world, 'ext=mp4')
    const file = video(path.join(world.dir, 'refused.mp4'), 3 * MB)
    await assert.rejects(withSignature(world, signed.authorization).sliceUploadFile({ ...at(signed.cosKey), FilePath: file, ChunkSize: MB }), status(403))
  })

  await t.test('sliceUploadFile by /multipart-sign ends in the order', async () => {
    world.addOrder('M1')
    const signed = await putSign(world, 'ext=mp4&order=M1&position=0&multipart=1')
    const file = video(path.join(world.dir, 'parts.mp4'), 3 * MB)
    const asked = []
    const cos = withParts(world, signed.cosKey, asked)
    const done = await cos.sliceUploadFile({ ...at(signed.cosKey), FilePath: file, ChunkSize: MB })
    assert.match(done.ETag, /-3"?$/, 'it came in three parts')
    const outcome = await world.outcome(signed.cosKey)
    assert.equal(outcome.state, 'done', JSON.stringify(outcome))
    assert.deepEqual(world.images('M1'), [fileID(signed.cosKey)])
    assert.ok(asked.every((answer) => answer.status === 200), JSON.stringify(asked))

    await assert.rejects(cos.deleteObject(at(signed.cosKey)))
    assert.equal(asked.at(-1).body.code, 'MULTIPART_VERB')
    await assert.rejects(cos.sliceUploadFile({ ...at(`${signed.cosKey}x`), FilePath: file, ChunkSize: MB }))
    assert.equal((await world.outcome(signed.cosKey)).state, 'done', 'the object is there as before')
  })

  await t.test('multipartAbort ends an upload that was begun', async () => {
    const signed = await putSign(world, 'ext=mp4&multipart=1')
    const cos = withParts(world, signed.cosKey, [])
    const { UploadId } = await cos.multipartInit(at(signed.cosKey))
    await cos.multipartUpload({ ...at(signed.cosKey), UploadId, PartNumber: 1, Body: photo })
    await cos.multipartAbort({ ...at(signed.cosKey), UploadId })
    await assert.rejects(cos.multipartListPart({ ...at(signed.cosKey), UploadId }), status(404))
  })
})

/** How a client may put a large video for the order V1: the key, and the SDK that may. */
const ways = {
  'our signatures': async (world) => {
    const { cosKey } = await putSign(world, 'ext=mp4&order=V1&position=0&multipart=1')
    return { key: cosKey, cos: withParts(world, cosKey, []), Headers: {} }
  },
  'a key pair': async (world) => ({
    key: 'users/oDev/影片 1.mp4', cos: withKeys(world), Headers: { 'x-cos-meta-order-id': 'V1', 'x-cos-meta-position': '0' },
  }),
}

for (const way of Object.keys(ways)) {
  for (const { name, env, state, reason, images } of [
    { name: 'is TOO_LARGE by default', env: {}, state: 'rejected', reason: 'TOO_LARGE', images: 0 },
    { name: 'is attached where the limit allows it', env: { AFTERPUT_CHECK_MAX_VIDEO_BYTES: '200MB' }, state: 'done', reason: undefined, images: 1 },
  ]) {
    test(`sliceUploadFile of a video of 120 MB with ${way} ${name}`, { timeout }, async (t) => {
      const world = await World.start(t, env)
      world.addOrder('V1')
      const { key, cos, Headers } = await ways[way](world)
      const file = video(path.join(world.dir, 'large.mp4'), 120 * MB)
      const done = await cos.sliceUploadFile({ ...at(key), FilePath: file, ChunkSize: 16 * MB, Headers })
      assert.match(done.ETag, /-8"?$/, 'it came in eight parts')

      const outcome = await world.outcome(key)
      assert.equal(outcome.state, state, JSON.stringify(outcome))
      assert.equal(outcome.reason, reason)
      assert.equal(outcome.size, 120 * MB)
      assert.deepEqual(world.images('V1'), images ? [fileID(key)] : [])
    })
  }
}
