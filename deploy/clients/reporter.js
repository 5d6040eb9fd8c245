'use strict'
// A reporter of node's test runner: a line per test, errors in full, the reason of what was
// skipped, and as the last line what was counted. Suites and tests that hold others are not
// counted; a run without any test failed.

module.exports = async function* report(source) {
  const parents = new Set()
  let passed = 0
  let failed = 0
  const open = []
  for await (const { type, data } of source) {
    if (type === 'test:start') {
      open[data.nesting] = data.name
      if (data.nesting > 0) parents.add(`${data.file}\n${open[data.nesting - 1]}`)
    }
    if (type === 'test:stderr' || type === 'test:stdout') yield data.message
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const holder = parents.has(`${data.file}\n${data.name}`) && data.nesting === 0
    const ok = type === 'test:pass'
    const time = `${(data.details.duration_ms / 1000).toFixed(1)} s`
    if (data.skip !== undefined || data.todo !== undefined) {
      yield `skip  ${data.name}: ${data.skip || data.todo}\n`
      continue
    }
    if (!ok) {
      const error = data.details.error
      if (holder && error.failureType === 'subtestsFailed') continue
      failed++
      yield `FAIL  ${data.name} (${time})\n${indent((error.cause && error.cause.stack) || error.stack || String(error))}\n`
    } else if (!holder && !data.name.endsWith('.test.js')) { // a file without a test passes by its path
      passed++
      yield `ok    ${data.name} (${time})\n`
    }
  }
  if (passed + failed === 0) throw new Error('no test ran')
  yield `${passed} passed, ${failed} failed\n`
}

const indent = (text) => text.replace(/^/gm, '      ')
