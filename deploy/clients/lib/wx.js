'use strict'
// The part of a mini program's wx that uploads need, with its habits
// (developers.weixin.qq.com): request sends Content-Type application/json unless told
// otherwise, success fires on any status, a header without a value is not sent, and
// uploadFile is a multipart form whose file comes last.

const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')

const referer = 'https://servicewechat.com/wx0123456789abcdef/1/page-frame.html'

/** A phone with some files in its album. sent and shown are what it did. */
class Phone {
  constructor(...files) {
    this.file = files[0]
    this.sent = [] // "METHOD path"
    this.shown = [] // titles and contents of modals
    this.open = 0
    this.storage = new Map()
    // A temporary path says nothing of the album; only its extension is kept.
    this.album = new Map(files.map((file, i) => [`wxfile://tmp_012345678${i}${path.extname(file)}`, file]))
    this.temp = this.album.keys().next().value
  }

  /** Waits until the phone has nothing more to do, and gives the last modal. */
  async done() {
    while (this.open > 0 || this.shown.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    return this.shown.at(-1)
  }

  /** The global object wx. */
  wx() {
    return {
      chooseMedia: ({ count = 9, success }) => later(() => success({
        type: 'mix',
        tempFiles: Array.from(this.album, ([tempFilePath, file]) => ({
          tempFilePath, size: fs.statSync(file).size, fileType: /\.mp4$/.test(file) ? 'video' : 'image',
        })).slice(0, count),
      })),
      getFileSystemManager: () => ({
        stat: ({ path: filePath, success, fail }) => later(() => {
          if (!this.album.has(filePath)) return fail({ errMsg: 'stat:fail no such file or directory' })
          success({ stats: fs.statSync(this.album.get(filePath)), errMsg: 'stat:ok' })
        }),
        readFile: ({ filePath, position, length, success, fail }) => later(() => {
          if (!this.album.has(filePath)) return fail({ errMsg: 'readFile:fail no such file or directory' })
          success({ data: arrayBuffer(this.album.get(filePath), position, length), errMsg: 'readFile:ok' })
        }),
      }),
      request: (options) => this.request(options),
      uploadFile: (options) => this.uploadFile(options),
      // What SDKs ask for besides: storage, what phone it is, whether newer calls are there.
      canIUse: (name) => ['getAppBaseInfo', 'getDeviceInfo'].includes(name),
      getAppBaseInfo: () => ({ SDKVersion: '3.8.0' }),
      getDeviceInfo: () => ({ platform: 'ios' }),
      getStorageSync: (key) => this.storage.get(key) ?? '',
      setStorageSync: (key, value) => void this.storage.set(key, value),
      removeStorageSync: (key) => void this.storage.delete(key),
      getSystemInfoSync: () => ({ platform: 'ios', SDKVersion: '3.8.0' }),
      getAccountInfoSync: () => ({ miniProgram: { appId: 'wx0123456789abcdef', envVersion: 'release', version: '1.0.0' } }),
      connectSocket: () => { throw new Error('this phone opens no sockets') },
      showModal: ({ title, content }) => this.shown.push({ title, content }),
    }
  }

  request({ url, data, header = {}, method = 'GET', dataType = 'json', ...callbacks }) {
    const headers = { 'content-type': 'application/json', ...named(header) }
    const body = data instanceof ArrayBuffer ? Buffer.from(data) : data === undefined ? '' : typeof data === 'string' ? data : JSON.stringify(data)
    return this.send(url, method, headers, body, dataType, callbacks)
  }

  uploadFile({ url, filePath, name, header = {}, formData = {}, ...callbacks }) {
    const file = this.album.get(filePath)
    if (!file) throw new Error(`uploadFile: ${filePath} is not in the album`)
    const boundary = '----WebKitFormBoundary0123456789abcdef'
    const fields = Object.entries(named(formData)).map(([key, value]) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${key}"\r\n\r\n${value}\r\n`)
    const head = `${fields.join('')}--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="tmp${path.extname(filePath)}"\r\nContent-Type: image/jpeg\r\n\r\n`
    const body = Buffer.concat([Buffer.from(head), fs.readFileSync(file), Buffer.from(`\r\n--${boundary}--\r\n`)])
    return this.send(url, 'POST', { ...named(header), 'content-type': `multipart/form-data; boundary=${boundary}` }, body, 'text', callbacks)
  }

  send(url, method, headers, body, dataType, { success = () => {}, fail = () => {}, complete = () => {} }) {
    const listeners = []
    this.open++
    this.sent.push(`${method} ${new URL(url).pathname}`)
    const finish = (callback, result) => {
      callback(result)
      complete(result)
      this.open--
    }
    const request = http.request(url, { method, headers: { ...headers, 'content-length': Buffer.byteLength(body), referer } }, (response) => {
      const chunks = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () => {
        listeners.forEach((listener) => listener({ progress: 100, totalBytesSent: body.length, totalBytesExpectedToSend: body.length }))
        const text = Buffer.concat(chunks).toString('utf8')
        finish(success, { data: dataType === 'json' ? parsed(text) : text, statusCode: response.statusCode, header: response.headers, errMsg: 'ok' })
      })
    })
    request.on('error', (err) => finish(fail, { errMsg: `request:fail ${err.message}` }))
    request.end(body)
    return { abort: () => request.destroy(), onProgressUpdate: (listener) => listeners.push(listener) }
  }
}

/** The bytes of a file, or length of them from position. */
function arrayBuffer(file, position = 0, length = fs.statSync(file).size - position) {
  const bytes = new ArrayBuffer(length)
  const fd = fs.openSync(file)
  fs.readSync(fd, new Uint8Array(bytes), 0, length, position)
  fs.closeSync(fd)
  return bytes
}

const later = (f) => void setImmediate(f)

const named = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== null))

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

module.exports = { Phone }
