'use strict'
// A cloud function (SCF) with a COS trigger on cos:ObjectCreated:* and cos:ObjectRemove:*:
// it hands each event to afterput as it is. Handler: index.main_handler.

const { send } = require('./send.js')

exports.main_handler = async (event, context) => {
  const answer = await send('/v1/events/cos', event, context)
  for (const r of answer.results) {
    // Sending it again would change nothing; the log is where somebody can find it.
    if (r.status === 'refused') console.warn(`afterput refused ${r.key}: ${r.code}: ${r.message}`)
  }
  return answer
}
