// The other side: sharp as its documentation shows it, or tuned by hand.
//   node sharp.mjs perSize|tuned FILE SIZES OUT REPEAT
// Each repeat reads the file and makes all sizes; the outputs of the last one are written.
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import sharp from 'sharp'

const [mode, file, list, out, repeat] = process.argv.slice(2)
const sizes = list.split(',').map(Number)
const largest = Math.max(...sizes)
sharp.concurrency(1)
sharp.cache(false)

const quality = { quality: 80 }
const box = size => [size, size, { fit: 'inside', withoutEnlargement: true }]
const open = data => sharp(data, { limitInputPixels: false })

async function perSize (data) {
  return Promise.all(sizes.map(size => open(data).rotate().resize(...box(size)).jpeg(quality).toBuffer()))
}

async function tuned (data) {
  const { data: pixels, info } = await open(data).rotate().resize(...box(largest)).removeAlpha().raw()
    .toBuffer({ resolveWithObject: true })
  const raw = { width: info.width, height: info.height, channels: info.channels }
  return Promise.all(sizes.map(size => {
    const image = sharp(pixels, { raw })
    return (size === largest ? image : image.resize(...box(size))).jpeg(quality).toBuffer()
  }))
}

const cpuMillis = []
let made
for (let i = 0; i < Number(repeat); i++) {
  made = await (mode === 'tuned' ? tuned : perSize)(await readFile(file))
  const { user, system } = process.cpuUsage()
  cpuMillis.push((user + system) / 1000)
}
const name = basename(file).replace(/\.[^.]+$/, '')
await Promise.all(made.map((data, i) => writeFile(join(out, `${name}_${sizes[i]}.jpg`), data)))
const peak = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile('/proc/self/status', 'utf8'))
console.log(JSON.stringify({ cpuMillis, peakBytes: Number(peak[1]) * 1024 }))
