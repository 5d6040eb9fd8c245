'use strict'
// Sends one JSON body to afterput, signed by Standard Webhooks (standardwebhooks.com).
// Node.js 18 or newer, no dependencies. scf/ and cloudbase/ have the same file, so that
// each folder can be deployed alone.

const crypto = require('node:crypto')

const firstPause = 200 // ms, doubled with each try
const longestPause = 5000 // ms
const oneTry = 10000 // ms for one request
const margin = 300 // ms left of the function's time, to fail by ourselves with a reason
const usualLimit = 3000 // ms: what both platforms give a function when nothing is set

/**
 * Posts body to path and gives the parsed answer of a 202. It tries again on 408, 429, 5xx
 * and network errors until the function's time is nearly over. Every failure is thrown, so that
 * the platform tries the whole call again or keeps it in its dead letter queue.
 *
 * AFTERPUT_URL is where afterput serves, AFTERPUT_WEBHOOK_SECRET one of its
 * auth.webhookSecrets (whsec_...).
 */
async function send(path, body, context = {}) {
  const url = setting('AFTERPUT_URL').replace(/\/+$/, '') + path
  const secret = Buffer.from(setting('AFTERPUT_WEBHOOK_SECRET').replace(/^whsec_/, ''), 'base64')
  const text = JSON.stringify(body)
  const id = idOf(context, text)
  const end = Date.now() + timeLeft(context) - margin
  for (let attempt = 0; ; attempt++) {
    const result = await post(url, id, text, secret, end - Date.now())
    if (result.status === 202) return result.answer
    const reason = `afterput: ${result.message}`
    if (!result.again) throw new Error(reason)
    const backoff = Math.min(longestPause, firstPause * 2 ** attempt) * (0.5 + Math.random() / 2)
    const pause = Math.max(backoff, result.retryAfter)
    if (Date.now() + pause >= end) throw new Error(`${reason} (${attempt + 1} tries)`)
    console.warn(`${reason}: try ${attempt + 2} in ${Math.round(pause)} ms`)
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}

async function post(url, id, text, secret, left) {
  const at = Math.floor(Date.now() / 1000)
  const signature = crypto.createHmac('sha256', secret).update(`${id}.${at}.${text}`).digest('base64')
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(at),
        'webhook-signature': `v1,${signature}`,
      },
      body: text,
      redirect: 'manual',
      signal: AbortSignal.timeout(Math.max(1, Math.min(oneTry, left))),
    })
    const raw = await response.text()
    const status = response.status
    // An answer that is not JSON did not come from afterput but from something before it.
    const answer = parse(raw)
    if (status === 202 && answer) return { status, answer }
    return {
      message: `status ${status}: ${answer ? `${answer.code}: ${answer.message}` : raw.slice(0, 200)}`,
      again: status === 408 || status === 429 || status >= 500 || !answer,
      retryAfter: 1000 * (Number(response.headers.get('retry-after')) || 0),
    }
  } catch (err) {
    return { message: String((err.cause && err.cause.message) || err.message), again: true, retryAfter: 0 }
  }
}

function parse(raw) {
  try {
    return JSON.parse(raw)
  } catch {
    return null
  }
}

// One call keeps its ID through all tries. Another call with the same body may be another
// upload in the same second, so the ID holds the platform's request ID too.
function idOf(context, text) {
  const call = context.request_id || crypto.randomUUID()
  return 'fwd_' + crypto.createHash('sha256').update(`${call}\n${text}`).digest('hex').slice(0, 32)
}

function timeLeft(context) {
  if (typeof context.getRemainingTimeInMillis === 'function') return context.getRemainingTimeInMillis()
  return Number(context.time_limit_in_ms) || usualLimit
}

function setting(name) {
  const value = process.env[name]
  if (!value) throw new Error(`set the environment variable ${name} of this function`)
  return value
}

module.exports = { send }
