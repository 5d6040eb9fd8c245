'use strict'
// @cloudbase/js-sdk in its build for mini programs.

/** Loads the SDK as a mini program does, where wx and window are there from the start. */
function miniProgramSDK(phone) {
  globalThis.window = globalThis
  globalThis.wx = phone.wx()
  globalThis.App = globalThis.Page = () => {}
  const cloudbase = require('cloudbase-js-sdk-2/miniprogram_dist/index.js')
  // A copy of its own: the SDK for backends, which no phone has, changes the one it finds.
  delete require.cache[require.resolve('@cloudbase/adapter-wx_mp')]
  cloudbase.useAdapters(require('@cloudbase/adapter-wx_mp').default)
  return cloudbase
}

module.exports = { miniProgramSDK }
