'use strict'
// A whole afterput on loopback: `afterput dev` in a folder of its own, and what goes on
// behind it.

const { execFileSync, spawn } = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const bin = path.join(__dirname, '..', '..', '..', 'bin')
const bucket = 'afterput-dev-1250000000'
const region = 'ap-guangzhou'
const owner = 'oDev' // everybody who asks a dev world on loopback for a signature
const hang = 60000 // ms after which something hangs; no statement about speed

/** Runs one operation of backstage (see its main.go). */
function backstage(operation, input) {
  const out = execFileSync(path.join(bin, 'backstage'), [operation], { input: JSON.stringify(input), maxBuffer: 64 << 20 })
  return JSON.parse(out)
}

/** Asks until ask gives something truthy, and gives that. */
async function until(what, ask) {
  const end = Date.now() + hang
  for (;;) {
    const found = await ask()
    if (found) return found
    if (Date.now() > end) throw new Error(`gave up waiting: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

class World {
  /** Starts a world and removes it when test ends. env tunes its configuration. */
  static async start(test, env = {}) {
    const world = new World()
    world.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'afterput-clients-'))
    world.env = env
    test.after(async () => {
      await world.stop()
      fs.rmSync(world.dir, { recursive: true, force: true })
    })
    await world.up()
    return world
  }

  /** Starts the process, on the old address where there was one. */
  async up() {
    const config = path.join(this.dir, 'afterput.yaml')
    fs.rmSync(config, { force: true })
    this.log = ''
    this.process = spawn(path.join(bin, 'afterput'), ['dev', '--dir', this.dir, '--listen', this.listen || '127.0.0.1:0'], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...this.env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const child = this.process
    child.stderr.on('data', (chunk) => { this.log += chunk })
    this.ended = new Promise((resolve) => child.on('exit', resolve))
    const text = await until('afterput dev starts', async () => {
      if (child.exitCode !== null) throw new Error(`afterput dev ended: ${this.log}`)
      const written = fs.existsSync(config) && fs.readFileSync(config, 'utf8')
      const listen = written && /^ {2}listen: "?([^"\n]+)/m.exec(written)
      if (!listen) return ''
      this.listen = listen[1]
      const ready = await fetch(`http://${this.listen}/readyz`).catch(() => null)
      return ready && ready.ok ? written : ''
    })
    this.url = `http://${this.listen}`
    this.redis = /^redis:\n {2}url: "?([^"\n]+)/m.exec(text)[1]
    Object.assign(this, JSON.parse(fs.readFileSync(path.join(this.dir, 'identity.json'), 'utf8')))
    this.db = `sqlite://${path.join(this.dir, 'orders.db')}`
  }

  async stop() {
    if (!this.process) return
    this.process.kill('SIGTERM')
    await this.ended
    this.process = null
  }

  /** Asks the API with the key of the backend. */
  async ask(route, options = {}) {
    const response = await fetch(this.url + route, { ...options, headers: { Authorization: `Bearer ${this.apiKey}` } })
    return { status: response.status, body: await response.json() }
  }

  addOrder(id) {
    backstage('order-add', { db: this.db, id, owner })
  }

  images(id) {
    return backstage('order', { db: this.db, id })
  }

  cachedURL(fileID) {
    return backstage('url', { redis: this.redis, fileID })
  }

  /** Waits until the upload of a key has an outcome, and gives it. */
  outcome(key, of = bucket) {
    return until(`an outcome of ${key}`, async () => {
      const { status, body } = await this.ask(`/v1/uploads/${uploadID(key, of)}`)
      return status === 200 && body.state !== 'in flight' ? body : null
    })
  }
}

/** The hash that names an upload, as afterput makes it. */
function uploadID(key, of = bucket) {
  return crypto.createHash('sha256').update(`${of}\0${key}`).digest('hex').slice(0, 32)
}

/** The name that a business keeps for an object. */
const fileID = (key) => `cos://${bucket}/${key}`

let folder
/** The path of photo.jpg or video.mp4. */
function sample(name) {
  if (!folder) {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'afterput-samples-'))
    process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))
    backstage('files', { dir: folder })
  }
  return path.join(folder, name)
}

/** Writes a video of so many bytes: the head of a real one, and zeros without disk blocks. */
function video(to, bytes) {
  const head = fs.readFileSync(sample('video.mp4'))
  const mdat = head.lastIndexOf('mdat') - 4
  head.writeUInt32BE(bytes - mdat, mdat)
  fs.writeFileSync(to, head)
  fs.truncateSync(to, bytes)
  return to
}

module.exports = { World, backstage, bucket, fileID, owner, region, sample, until, uploadID, video }
