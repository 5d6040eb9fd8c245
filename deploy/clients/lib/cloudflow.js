'use strict'
// The flow of CloudBase's upload guide, whatever SDK it runs with: four files that are
// uploaded, saved into the order document and announced are in the order as chosen.

const assert = require('node:assert/strict')
const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')

const { Cloud } = require('./cloud.js')
const { owner, sample, until, video } = require('./world.js')

const MB = 1000000

const md5 = (bytes) => crypto.createHash('md5').update(bytes).digest('hex')

/** Fetches a URL; gives the MD5 of what comes. */
async function fetched(url) {
  const response = await fetch(url)
  assert.equal(response.status, 200, url)
  return md5(Buffer.from(await response.arrayBuffer()))
}

/** A photo, a video and two photos more, each with its own bytes. */
function album(dir) {
  const photo = (n) => {
    const file = path.join(dir, `photo${n}.jpg`)
    fs.writeFileSync(file, Buffer.concat([fs.readFileSync(sample('photo.jpg')), Buffer.alloc(n)]))
    return file
  }
  return [photo(1), video(path.join(dir, 'clip.mp4'), 2 * MB), photo(2), photo(3)]
}

/** Runs the flow. open(cloud, files) gives the SDK, its database, a page and what was chosen. */
async function orderOfFour(t, open) {
  const cloud = await Cloud.start(t, { acl: 'READONLY' })
  cloud.world.addOrder('C1')
  await cloud.backend().database().collection('orders').add({ _id: 'C1', _openid: owner, images: [] })
  const files = album(cloud.world.dir)
  const { app, db, page, chosen } = await open(cloud, files)

  const fileIDs = Array.from(await page.uploadAll(chosen))
  assert.equal(new Set(fileIDs).size, 4)
  for (const id of fileIDs) assert.match(id, /^cloud:\/\/env-1a2b3c\.656e-env-1a2b3c-1250000000\/users\/oDev\/\d+_/)
  await page.saveOrderImages('C1', fileIDs)
  assert.equal((await cloud.announce('C1', fileIDs)).status, 202)

  for (const [position, id] of fileIDs.entries()) {
    const outcome = await cloud.outcome(id)
    assert.equal(outcome.state, 'done', JSON.stringify(outcome))
    assert.equal(outcome.owner, owner)
    assert.equal(outcome.visibility, 'public')
    assert.deepEqual(outcome.orders, [{ order: 'C1', position, attached: true }])
  }
  assert.deepEqual(cloud.world.images('C1'), fileIDs, 'the order that afterput writes')
  const { data: [order] } = await db.collection('orders').doc('C1').get()
  assert.deepEqual(Array.from(order.images), fileIDs, 'the document that the page writes')

  const urls = Array.from(await page.resolveImages(order.images))
  for (const [i, file] of files.entries()) {
    assert.equal(await fetched(urls[i]), md5(fs.readFileSync(file)))
    assert.equal((await until('the cached URL', () => cloud.world.cachedURL(fileIDs[i]))).url, urls[i])
  }
  const thumbnails = [fileIDs[0], fileIDs[2], fileIDs[3]].flatMap((id) => cloud.thumbnails(id))
  for (const { code, tempFileURL } of (await app.getTempFileURL({ fileList: thumbnails })).fileList) {
    assert.equal(code, 'SUCCESS')
    await fetched(tempFileURL)
  }
}

module.exports = { fetched, md5, orderOfFour }
