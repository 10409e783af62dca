import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { createServer } from './create-server.ts'
import { closeServer, listen } from './running-service.ts'

const MIB = 1024 * 1024
const LARGEST_BYTES = 24 * MIB
const CHUNKED = { 'transfer-encoding': 'chunked' }

async function serving(t: TestContext) {
  const app = createServer({
    name: 'test',
    logger: createLogger({ service: 'test', level: 'error' }),
    metrics: createMetrics('test'),
  })
  let arrived = 0
  app.addHook('onRequest', (incoming, _reply, done) => {
    const subject = String(incoming.headers['x-subject'])
    const scopes = new Set<string>()
    incoming.identity = { kind: 'user', subject, tenantId: 't', scopes, issuer: 'test' }
    done()
  })
  app.addHook('preParsing', (_incoming, _reply, payload, done) => {
    payload.on('data', (chunk: Buffer) => (arrived += chunk.length))
    done()
  })
  app.post('/v1/things', { bodyLimit: LARGEST_BYTES }, (_request, reply) => reply.send({}))
  const url = await listen(app, { host: '127.0.0.1', port: 0 })
  t.after(() => closeServer(app, 100))

  const open = async (subject: string, headers: Record<string, string | number> = CHUNKED) => {
    const sending = request(`${url}/v1/things`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        expect: '100-continue',
        'x-subject': subject,
        ...headers,
      },
    })
    sending.on('error', () => {})
    t.after(() => sending.destroy())
    const answer = once(sending, 'response').then(async ([response]: IncomingMessage[]) => ({
      status: response!.statusCode,
      body: JSON.parse(await text(response!)) as { code?: string },
    }))
    answer.catch(() => {})
    // The server has received the request when it sends this.
    const continued = once(sending, 'continue')
    sending.flushHeaders()
    await continued
    return { sending, answer }
  }
  /** Sends the beginning of a body, and waits until the server has it. */
  const send = async ({ sending }: { sending: ClientRequest }, bytes: number) => {
    const all = arrived + bytes
    sending.write(Buffer.alloc(bytes, ' '))
    while (arrived < all) await new Promise(setImmediate)
  }
  return { open, send }
}

test('a body whose bytes never arrive uses none of the budget', async (t) => {
  const { open } = await serving(t)
  await Promise.all(Array.from({ length: 260 }, () => open('stalling')))
  for (const subject of ['other', 'stalling']) {
    const { sending, answer } = await open(subject)
    sending.end('""')
    assert.equal((await answer).status, 200)
  }
})

test('the bodies of one caller use at most a share of the budget, and release it at their end', async (t) => {
  const { open, send } = await serving(t)
  const first = await open('greedy')
  await send(first, 10 * MIB)
  const second = await open('greedy')
  await send(second, 5 * MIB)
  second.sending.write(Buffer.alloc(2 * MIB, ' '))
  const refused = await second.answer
  assert.deepEqual([refused.status, refused.body.code], [503, 'OVERLOADED'])
  const other = await open('other')
  await send(other, 10 * MIB)
  other.sending.end('""')
  assert.equal((await other.answer).status, 200, 'another caller has its own share')
  first.sending.end('""')
  assert.equal((await first.answer).status, 200)
  const third = await open('greedy')
  await send(third, 14 * MIB)
  third.sending.end('""')
  assert.equal((await third.answer).status, 200, 'what was released can be used again')
})

test('the bodies of all callers stay within the budget, and small bodies pass', async (t) => {
  const { open, send } = await serving(t)
  const callers = ['a', 'b', 'c', 'd']
  for (const caller of callers) await send(await open(caller), 16 * MIB)
  const large = await open('e')
  large.sending.write(Buffer.alloc(64 * 1024, ' '))
  assert.equal((await large.answer).status, 503)
  const small = await open('e', { 'content-length': 2 })
  small.sending.end('{}')
  assert.equal((await small.answer).status, 200)
})
