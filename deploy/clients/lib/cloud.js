'use strict'
// A CloudBase environment on loopback (see cloudenv/main.go), its SDKs led to it, and a
// world of afterput whose second bucket is the environment's.

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const readline = require('node:readline')

process.env.SILENCE = 'true' // of the SDKs, which log to stdout
const nodeSDK = require('@cloudbase/node-sdk')

const { World } = require('./world.js')

class Cloud {
  /** Starts an environment with a permission of its storage, and afterput over it. */
  static async start(test, { acl, rule = '', env = {} }) {
    const cloud = new Cloud()
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'afterput-cloud-'))
    const child = spawn(path.join(__dirname, '..', '..', '..', 'bin', 'cloudenv'), { stdio: ['pipe', 'pipe', 'inherit'] })
    const ended = new Promise((resolve) => child.on('exit', resolve))
    test.after(async () => {
      child.stdin.end()
      await ended
      fs.rmSync(dir, { recursive: true, force: true })
    })
    const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    cloud.tell = async (order) => {
      child.stdin.write(JSON.stringify(order))
      const { value, done } = await lines.next()
      if (done) throw new Error('cloudenv ended')
      return JSON.parse(value)
    }
    Object.assign(cloud, await cloud.tell({ dir, acl, rule }))
    cloud.world = await World.start(test, { ...cloud.settings(), ...env })
    await cloud.tell({ events: `${cloud.world.url}/v1/events/cos`, key: cloud.world.apiKey })
    return cloud
  }

  /** The configuration of afterput for the environment, as variables. */
  settings() {
    const bucket = {
      NAME: this.bucket, REGION: this.region, ENV: this.env, ENDPOINT: this.cos, PUBLIC_BASE: `${this.url}/cdn`,
      SECRET_ID: this.cosId, SECRET_KEY: this.cosKey, VISIBILITY: 'rule',
    }
    const cloudbase = { ENDPOINT: this.url, CONTROL_ENDPOINT: this.url, SECRET_ID: this.secretId, SECRET_KEY: this.secretKey }
    const named = (prefix, values) => Object.entries(values).map(([name, value]) => [prefix + name, value])
    return Object.fromEntries([...named('AFTERPUT_BUCKETS_1_', bucket), ...named('AFTERPUT_CLOUDBASE_', cloudbase)])
  }

  /** The SDK of a backend, with the key pair and the key for custom login. */
  backend(options = {}) {
    return nodeSDK.init({
      env: this.env, region: this.region, secretId: this.secretId, secretKey: this.secretKey,
      serviceUrl: `${this.url}/admin`, credentials: this.credentials, ...options,
    })
  }

  /** The SDK of a client. Within a process the last one who signed in is who all are. */
  async client(signIn, sdk = require('@cloudbase/js-sdk')) {
    const app = sdk.init({ env: this.env, region: this.region })
    const host = new URL(this.url).host
    app.registerEndPointWithKey({ key: 'GATEWAY', url: `//${host}/v1`, protocol: 'http' })
    app.registerEndPoint(`//${host}/web`, 'http')
    const auth = app.auth({ persistence: 'none' })
    await signIn(auth)
    return { app, auth, db: app.database() }
  }

  /** A client of the user with this openid, let in by a ticket of the shop's backend. */
  user(openid, sdk) {
    const ticket = this.backend().auth().createTicket(openid)
    return this.client((auth) => auth.signInWithCustomTicket(async () => ticket), sdk)
  }

  fileID(key) {
    return `cloud://${this.env}.${this.bucket}/${key}`
  }

  key(fileID) {
    return fileID.slice(this.fileID('').length)
  }

  /** The fileIDs that a page computes for the thumbnails of a file. */
  thumbnails(fileID) {
    return ['small', 'medium', 'large'].map((preset) => this.fileID(`thumbs/${preset}/${this.key(fileID)}.jpg`))
  }

  /** Asks the shop's backend to announce what a user chose for an order. */
  async announce(order, fileIDs) {
    const response = await fetch(`${this.world.url}/v1/uploads`, {
      method: 'POST', headers: { Authorization: `Bearer ${this.world.apiKey}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ order, files: fileIDs }),
    })
    return { status: response.status, body: await response.json() }
  }

  outcome(fileID) {
    return this.world.outcome(this.key(fileID), this.bucket)
  }
}

module.exports = { Cloud }
