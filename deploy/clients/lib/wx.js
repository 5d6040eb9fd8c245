'use strict'
// The part of a mini program's wx that uploads need, with its habits
// (developers.weixin.qq.com): request sends Content-Type application/json unless told
// otherwise, success fires on any status, a header without a value is not sent, and
// uploadFile is a multipart form whose file comes last.

const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')

const referer = 'https://servicewechat.com/wx0123456789abcdef/1/page-frame.html'

/** A phone: its album holds one file. sent and shown are what it did. */
class Phone {
  constructor(file) {
    this.file = file
    this.sent = [] // "METHOD path"
    this.shown = [] // titles and contents of modals
    this.open = 0
    this.storage = new Map()
    // A temporary path says nothing of the album; only its extension is kept.
    this.temp = `wxfile://tmp_0123456789${path.extname(file)}`
  }

  /** Waits until the phone has nothing more to do, and gives the last modal. */
  async done() {
    while (this.open > 0 || this.shown.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    return this.shown.at(-1)
  }

  /** The global object wx. */
  wx() {
    return {
      chooseMedia: ({ success }) => later(() => success({
        type: 'image', tempFiles: [{ tempFilePath: this.temp, size: fs.statSync(this.file).size, fileType: 'image' }],
      })),
      getFileSystemManager: () => ({
        readFile: ({ filePath, success, fail }) => later(() => {
          if (filePath !== this.temp) return fail({ errMsg: 'readFile:fail no such file or directory' })
          const bytes = fs.readFileSync(this.file)
          success({ data: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), errMsg: 'readFile:ok' })
        }),
      }),
      request: (options) => this.request(options),
      uploadFile: (options) => this.uploadFile(options),
      // What SDKs ask for besides: storage, and whether newer calls are there.
      canIUse: () => false,
      getStorageSync: (key) => this.storage.get(key) ?? '',
      setStorageSync: (key, value) => void this.storage.set(key, value),
      removeStorageSync: (key) => void this.storage.delete(key),
      showModal: ({ title, content }) => this.shown.push({ title, content }),
    }
  }

  request({ url, data, header = {}, method = 'GET', dataType = 'json', ...callbacks }) {
    const headers = { 'content-type': 'application/json', ...named(header) }
    const body = data instanceof ArrayBuffer ? Buffer.from(data) : data === undefined ? '' : typeof data === 'string' ? data : JSON.stringify(data)
    return this.send(url, method, headers, body, dataType, callbacks)
  }

  uploadFile({ url, filePath, name, header = {}, formData = {}, ...callbacks }) {
    if (filePath !== this.temp) throw new Error(`uploadFile: ${filePath} is not in the album`)
    const boundary = '----WebKitFormBoundary0123456789abcdef'
    const fields = Object.entries(named(formData)).map(([key, value]) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${key}"\r\n\r\n${value}\r\n`)
    const head = `${fields.join('')}--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="tmp${path.extname(filePath)}"\r\nContent-Type: image/jpeg\r\n\r\n`
    const body = Buffer.concat([Buffer.from(head), fs.readFileSync(this.file), Buffer.from(`\r\n--${boundary}--\r\n`)])
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
