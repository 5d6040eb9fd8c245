'use strict'
// The flow of CloudBase's upload guide on a phone: @cloudbase/js-sdk in its build for mini
// programs with @cloudbase/adapter-wx_mp, as the guide has them, under our wx.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const test = require('node:test')
const vm = require('node:vm')

const { orderOfFour } = require('./lib/cloudflow.js')
const { cloudPage } = require('./lib/cloudpage.js')
const { miniProgramSDK } = require('./lib/cloudsdk.js')
const { owner } = require('./lib/world.js')
const { Phone } = require('./lib/wx.js')

const timeout = 120000

// The adapter posts a form where the SDK, left alone, asks for the permission of a PUT.
const byForm = (app) => ({
  uploadFile: (options) => app.uploadFile({ ...options, method: 'post' }),
  getTempFileURL: (options) => app.getTempFileURL(options),
})

/** The functions of the guide's own text, without its imports and exports. */
function guide(globals) {
  const text = fs.readFileSync(process.env.AFTERPUT_CLOUDBASE_GUIDE, 'utf8')
  const between = (from, to) => {
    const start = text.indexOf(from)
    const end = text.indexOf(to, start)
    assert.ok(start >= 0 && end > start, `${from} in the guide`)
    return text.slice(start, end).replaceAll('export ', '')
  }
  const code = [
    between('async function pickMedia', 'Each returned'),
    between('async function uploadOne', 'Common cloudPath'),
    between('async function saveOrderImages', 'Why store'),
    between('export async function resolveImages', 'Page side'),
  ].join('\n')
  return vm.runInNewContext(`${code}\n;({ pickMedia, uploadAll, saveOrderImages, resolveImages })`, { ...globals, Date, Math, Promise })
}

for (const { name, make, skip } of [
  { name: 'our page, all at once', make: cloudPage },
  {
    name: "the guide's own text, one after the other",
    make: ({ app, db, login }) => guide({ app, db, ensureLogin: login, wx: globalThis.wx }),
    skip: process.env.AFTERPUT_CLOUDBASE_GUIDE ? false : 'AFTERPUT_CLOUDBASE_GUIDE names no file with the text of the guide',
  },
]) {
  test(`a mini program with @cloudbase/js-sdk: ${name}`, { timeout, skip }, (t) => orderOfFour(t, async (cloud, files) => {
    const { app, auth, db } = await cloud.user(owner, miniProgramSDK(new Phone(...files)))
    const page = make({ app: byForm(app), db, login: () => auth.getCurrentUser() })
    return { app, db, page, chosen: Array.from(await page.pickMedia()) }
  }))
}
