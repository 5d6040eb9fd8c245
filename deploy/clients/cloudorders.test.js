'use strict'
// Orders as documents of CloudBase: what afterput writes into them over the HTTP API is read
// by the SDKs of phones, of pages and of backends, and what those write stays.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const test = require('node:test')

const { Cloud } = require('./lib/cloud.js')
const { miniProgramSDK } = require('./lib/cloudsdk.js')
const { owner, sample } = require('./lib/world.js')
const { Phone } = require('./lib/wx.js')

const timeout = 120000

/** A world whose orders are documents, with one order that the shop made. */
async function shop(t, env = {}) {
  const cloud = await Cloud.start(t, {
    acl: 'READONLY',
    env: {
      AFTERPUT_ORDERS_URL: 'cloudbase://env-1a2b3c', AFTERPUT_ORDERS_KEY_COLUMN: '_id', AFTERPUT_ORDERS_OWNER_COLUMN: '_openid',
      AFTERPUT_ORDERS_UPDATED_AT_COLUMN: 'updatedAt', ...env,
    },
  })
  const backend = cloud.backend().database()
  await backend.collection('orders').add({ _id: 'D1', _openid: owner, images: ['own'], total: 3, updatedAt: new Date(0) })
  await backend.collection('orders').add({ _id: 'D2', _openid: 'oOther', images: [] })
  const phone = await cloud.user(owner, miniProgramSDK(new Phone()))
  return { cloud, backend, phone }
}

/** Uploads photos from a backend, announces them for an order and waits for what becomes of them. */
async function attach(cloud, order, names) {
  const fileIDs = []
  for (const [i, name] of names.entries()) {
    const file = path.join(cloud.world.dir, name)
    fs.writeFileSync(file, Buffer.concat([fs.readFileSync(sample('photo.jpg')), Buffer.alloc(i)]))
    const { fileID } = await cloud.backend().uploadFile({ cloudPath: `users/${owner}/${name}`, fileContent: fs.readFileSync(file) })
    fileIDs.push(fileID)
  }
  assert.equal((await cloud.announce(order, fileIDs)).status, 202)
  const outcomes = []
  for (const fileID of fileIDs) outcomes.push(await cloud.outcome(fileID))
  return { fileIDs, outcomes }
}

const plain = (value) => JSON.parse(JSON.stringify(value))

test('three SDKs read the array that afterput wrote into a document', { timeout }, async (t) => {
  const { cloud, backend, phone } = await shop(t)
  const { fileIDs, outcomes } = await attach(cloud, 'D1', ['1.jpg', '图 2+.jpg', '3.jpg'])
  for (const outcome of outcomes) assert.equal(outcome.state, 'done', JSON.stringify(outcome))

  const page = await cloud.user(owner)
  const readers = { '@cloudbase/js-sdk 2.27.2': phone.db, '@cloudbase/js-sdk 3.7.0': page.db, '@cloudbase/node-sdk': backend }
  for (const [name, db] of Object.entries(readers)) {
    const { data } = await db.collection('orders').where({ _id: 'D1' }).get()
    assert.equal(data.length, 1, name)
    const [order] = data
    assert.ok(Array.isArray(order.images), name)
    assert.deepEqual(plain(order.images), ['own', ...fileIDs], name)
    assert.equal(order.total, 3, name)
    assert.ok(Number.isInteger(order.v) && order.v >= 1 && order.v <= 3, `${name}: ${order.v}`)
    assert.ok(new Date(order.updatedAt) > new Date(Date.now() - 60000), `${name}: ${order.updatedAt}`)
  }

  await t.test('what the phone takes out stays out, and what it moves stays there', async () => {
    const images = [fileIDs[2], fileIDs[0]]
    await phone.db.collection('orders').doc('D1').update({ images })
    const more = await attach(cloud, 'D1', ['4.jpg'])
    const { data: [order] } = await phone.db.collection('orders').doc('D1').get()
    assert.deepEqual(plain(order.images), [fileIDs[2], ...more.fileIDs, fileIDs[0]], 'behind the last of the batch before')
  })
  await t.test('the order of somebody else', async () => {
    const { outcomes: [outcome] } = await attach(cloud, 'D2', ['5.jpg'])
    assert.equal(outcome.orders[0].attached, false, JSON.stringify(outcome))
    assert.deepEqual(plain((await backend.collection('orders').doc('D2').get()).data[0].images), [])
  })
})

test('a document that gets no version field', { timeout }, async (t) => {
  const { cloud, phone } = await shop(t, { AFTERPUT_ORDERS_VERSION_COLUMN: 'none' })
  const { fileIDs } = await attach(cloud, 'D1', ['1.jpg', '2.jpg', '3.jpg'])
  const { data: [order] } = await phone.db.collection('orders').doc('D1').get()
  assert.deepEqual(plain(order.images).sort(), ['own', ...fileIDs].sort())
  assert.equal(order.images[0], 'own')
  assert.equal(order.v, undefined)
})
