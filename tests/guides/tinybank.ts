import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestScope } from '@caudal/testing/test-database.ts'

type Members = Record<string, string>
type Order = { members: Members; order: string; result: 'done' | 'refused' | 'later' }
type Callbacks = { to: string; secret: string } | null

/**
 * Starts the sandbox of the bank of docs/guides/your-psp.md, with books in memory. Returns its
 * address.
 */
export async function startTinybank(scope: TestScope): Promise<string> {
  const books = new Map<string, Order>()
  const calledBack = new Set<Promise<unknown>>()
  let treatment = { execute: 'approve', query: 'approve' }
  let callbacks: Callbacks = null

  function report({ members, order, result }: Order): void {
    if (callbacks === null) return
    const { to, secret } = callbacks
    const body = JSON.stringify({ ...members, order, result })
    const sign = createHmac('sha256', secret).update(body).digest('hex')
    const sending = fetch(to, { method: 'POST', headers: { 'x-sign': sign }, body }).catch(() => {})
    calledBack.add(sending)
    void sending.finally(() => calledBack.delete(sending))
  }

  /** A key keeps its verdict; what was to be decided later is decided when it is asked about. */
  function decide(members: Members, execute: string): Order {
    const known = books.get(members['reference']!)
    if (known !== undefined) return settle(known)
    const result = execute === 'refuse' ? 'refused' : execute === 'later' ? 'later' : 'done'
    const made: Order = { members, order: `T-${books.size + 1}`, result }
    books.set(members['reference']!, made)
    if (result !== 'later') report(made)
    return made
  }

  function settle(order: Order): Order {
    if (order.result !== 'later') return order
    order.result = 'done'
    report(order)
    return order
  }

  function answer(response: ServerResponse, how: string, found: Order): void {
    if (how === 'done_then_reset') return void response.destroy()
    if (how === 'nonsense') return void response.end('{"result":"done"')
    const { members, order, result } = found
    const { reference, cents, currency } = members
    response.end(JSON.stringify({ reference, order, result, cents, currency }))
  }

  function handle(request: IncomingMessage, response: ServerResponse, body: string): void {
    const [, folder, name = '', id = ''] = request.url!.split('/')
    if (folder === 'sandbox') {
      if (name === 'treatment') treatment = JSON.parse(body)
      if (name === 'callbacks') callbacks = JSON.parse(body)
      const moved = books.get(id)
      const amounts = moved?.result === 'done' ? [moved.members['cents']] : []
      return void response.end(JSON.stringify(amounts))
    }
    const how = request.method === 'POST' ? treatment.execute : treatment.query
    if (how === 'reset') return void response.destroy()
    if (how === 'not_now') return void response.writeHead(503).end('{"result":"not_now"}')
    if (request.method === 'POST') return answer(response, how, decide(JSON.parse(body), how))
    const found = books.get(name)
    if (found === undefined) return void response.writeHead(404).end('{"result":"unknown"}')
    answer(response, how, settle(found))
  }

  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => handle(request, response, body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  scope.after(async () => {
    server.close().closeAllConnections()
    await Promise.all(calledBack)
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
