'use strict'
// The shop's backend: it knows which order the user is looking at, asks afterput for a
// signature and passes the answer on, as deploy/docs/sign.md says.

const http = require('node:http')

/** Starts it; gives its address. The phone's query is kept, the order is added. */
async function shop(test, world, order, position) {
  const server = http.createServer(async (request, response) => {
    const url = new URL(request.url, world.url)
    url.searchParams.set('order', order)
    url.searchParams.set('position', String(position))
    const answer = await fetch(url)
    response.writeHead(answer.status, { 'Content-Type': 'application/json; charset=utf-8' })
    response.end(Buffer.from(await answer.arrayBuffer()))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  test.after(() => new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  }))
  return `http://127.0.0.1:${server.address().port}`
}

module.exports = { shop }
