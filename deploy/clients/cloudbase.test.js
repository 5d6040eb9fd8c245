'use strict'
// @cloudbase/js-sdk and @cloudbase/node-sdk: what clients and backends upload into CloudBase
// comes into its order, what afterput adds has fileIDs that the SDKs resolve, and nobody is
// let in who should not be.

const assert = require('node:assert/strict')
const crypto = require('node:crypto')
const fs = require('node:fs')
const test = require('node:test')

const { Cloud } = require('./lib/cloud.js')
const { COS } = require('./lib/cos.js')
const { fetched, md5, orderOfFour } = require('./lib/cloudflow.js')
const { cloudPage } = require('./lib/cloudpage.js')
const { owner, sample } = require('./lib/world.js')

const timeout = 120000
const ownFolder = '{"read": "auth != null && resource.openid == auth.openid", "write": "auth != null && resource.openid == auth.openid"}'

/** The SDK as the page has it: filePath names a file, which node hands over as bytes. */
const withFiles = (app) => ({
  uploadFile: ({ filePath, ...options }) => app.uploadFile({ ...options, filePath: fs.readFileSync(filePath) }),
  getTempFileURL: (options) => app.getTempFileURL(options),
})

test('@cloudbase/js-sdk: three photos and a video, all at once', { timeout }, (t) => orderOfFour(t, async (cloud, files) => {
  const { app, auth, db } = await cloud.user(owner)
  const page = cloudPage({ app: withFiles(app), db, login: () => auth.getCurrentUser() })
  return { app, db, page, chosen: files.map((tempFilePath) => ({ tempFilePath })) }
}))

test('@cloudbase/node-sdk: a backend uploads into private storage', { timeout }, async (t) => {
  const cloud = await Cloud.start(t, { acl: 'PRIVATE' })
  cloud.world.addOrder('N1')
  const backend = cloud.backend()
  const orders = backend.database().collection('orders')
  await orders.add({ _id: 'N1', _openid: owner, images: [] })

  const cloudPath = `users/${owner}/图 1+.jpg`
  const { fileID } = await backend.uploadFile({ cloudPath, fileContent: fs.readFileSync(sample('photo.jpg')) })
  assert.equal(fileID, cloud.fileID(cloudPath))
  assert.equal((await cloud.announce('N1', [fileID])).status, 202)
  const outcome = await cloud.outcome(fileID)
  assert.equal(outcome.state, 'done', JSON.stringify(outcome))
  assert.equal(outcome.visibility, 'private')
  await orders.doc('N1').update({ images: cloud.world.images('N1') })
  assert.deepEqual((await orders.doc('N1').get()).data[0].images, [fileID])

  const files = [fileID, ...cloud.thumbnails(fileID)]
  const { fileList } = await backend.getTempFileURL({ fileList: files })
  for (const { code, tempFileURL } of fileList) {
    assert.equal(code, 'SUCCESS')
    await fetched(tempFileURL)
    assert.equal((await fetch(tempFileURL.split('?')[0])).status, 403, 'private')
  }
  assert.equal(await fetched(fileList[0].tempFileURL), md5(fs.readFileSync(sample('photo.jpg'))))

  const answer = await fetch(`${cloud.world.url}/v1/temp-urls`, {
    method: 'POST', headers: { Authorization: `Bearer ${cloud.world.apiKey}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ fileIDs: files }),
  })
  for (const { code, tempFileURL } of (await answer.json()).fileList) {
    assert.equal(code, 'SUCCESS')
    assert.match(tempFileURL, /sign=/)
    await fetched(tempFileURL)
  }
  assert.equal(cloud.world.cachedURL(fileID), null)
})

test('an upload that its event alone reports', { timeout }, async (t) => {
  const cloud = await Cloud.start(t, { acl: 'READONLY', env: { AFTERPUT_EVENTS_PATH_PATTERN: 'users/{owner}/orders/{order}/{position}_{name}' } })
  cloud.world.addOrder('E1')
  const { app } = await cloud.user(owner)
  const { fileID } = await app.uploadFile({ cloudPath: `users/${owner}/orders/E1/0_a.jpg`, filePath: fs.readFileSync(sample('photo.jpg')) })
  assert.equal((await cloud.outcome(fileID)).state, 'done')
  assert.deepEqual(cloud.world.images('E1'), [fileID])
})

test('what the environment refuses', { timeout }, async (t) => {
  const cloud = await Cloud.start(t, { acl: 'CUSTOM', rule: ownFolder })
  const photo = fs.readFileSync(sample('photo.jpg'))
  const put = (client, key) => client.app.uploadFile({ cloudPath: key, filePath: photo })
  const mine = await cloud.user(owner)
  const { fileID } = await put(mine, `users/${owner}/a.jpg`)
  const codes = async (client) => (await client.app.getTempFileURL({ fileList: [fileID] })).fileList.map((file) => file.code)

  await t.test('the folder and the order of another user', async () => {
    await cloud.backend().database().collection('orders').add({ _id: 'R1', _openid: 'oOther', images: [] })
    assert.deepEqual(await codes(mine), ['SUCCESS'])
    await assert.rejects(put(mine, 'users/oOther/a.jpg'), /STORAGE_EXCEED_AUTHORITY/)
    // The SDK does not throw: all that it tells of a refusal is that it counts nothing.
    assert.equal((await mine.db.collection('orders').doc('R1').update({ images: [fileID] })).updated, undefined)
    assert.deepEqual((await cloud.backend().database().collection('orders').doc('R1').get()).data[0].images, [])
  })
  for (const [who, signIn] of [['a stranger', () => cloud.user('oOther')], ['somebody anonymous', () => cloud.client((auth) => auth.signInAnonymously())]]) {
    await t.test(who, async () => {
      const client = await signIn()
      await assert.rejects(put(client, `users/${owner}/b.jpg`), /STORAGE_EXCEED_AUTHORITY/)
      assert.deepEqual(await codes(client), ['STORAGE_EXCEED_AUTHORITY'])
    })
  }
  await t.test('a ticket that somebody else signed', async () => {
    const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
    const credentials = { ...cloud.credentials, private_key: privateKey.export({ type: 'pkcs1', format: 'pem' }) }
    const ticket = cloud.backend({ credentials }).auth().createTicket(owner)
    const answer = await fetch(`${cloud.url}/auth/v1/signin/custom`, { method: 'POST', body: JSON.stringify({ provider_id: 'custom', ticket }) })
    assert.equal(answer.status, 401)
  })
  await t.test('a backend with another key', async () => {
    const wrong = cloud.backend({ secretKey: 'another' })
    await assert.rejects(wrong.uploadFile({ cloudPath: 'a.jpg', fileContent: photo }), (err) => err.code === 'SIGN_PARAM_INVALID')
  })
  await t.test('bytes without the metadata of CloudBase have no URL', async () => {
    const cos = new COS({ SecretId: cloud.cosId, SecretKey: cloud.cosKey, Protocol: 'http:', Domain: new URL(cloud.cos).host })
    const key = `users/${owner}/plain.jpg`
    await cos.putObject({ Bucket: cloud.bucket, Region: cloud.region, Key: key, Body: photo })
    const { fileList } = await cloud.backend().getTempFileURL({ fileList: [cloud.fileID(key), fileID] })
    assert.deepEqual(fileList.map((file) => file.code), ['STORAGE_FILE_NONEXIST', 'SUCCESS'])
  })
})
