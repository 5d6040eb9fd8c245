'use strict'
// A CloudBase function that a mini program calls when its uploads are complete:
//
//   wx.cloud.callFunction({ name: 'afterput', data: { order: 'A12', files: [fileID, ...] } })
//
// files, order and batch are those of POST /v1/uploads. Handler: index.main.

const { send } = require('./send.js')

exports.main = async (event, context) => {
  const owner = openid(context)
  if (!owner) throw new Error('the caller has no openid: only a mini program may call this function')
  const { files, order, batch } = event || {}
  return send('/v1/uploads', { files, order, batch, owner }, context)
}

// The platform knows the caller. What the event says of it could be anybody's word.
function openid(context = {}) {
  const known = context.environment ? JSON.parse(context.environment) : listed(context.environ)
  return known.WX_OPENID || process.env.WX_OPENID || ''
}

// environ is KEY=value;KEY=value on older runtimes.
function listed(environ) {
  const pairs = String(environ || '').split(';').filter((pair) => pair.includes('='))
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
}
