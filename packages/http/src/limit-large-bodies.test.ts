import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { createServer } from './create-server.ts'
import { closeServer, listen } from './running-service.ts'

const MIB = 1024 * 1024
const LARGEST_BYTES = 24 * MIB

test('large bodies share a budget; beyond it they get 503 at once, and small ones pass', async (t) => {
  const app = createServer({
    name: 'test',
    logger: createLogger({ service: 'test', level: 'error' }),
    metrics: createMetrics('test'),
  })
  app.post('/v1/things', { bodyLimit: LARGEST_BYTES }, (_request, reply) => reply.send({}))
  const url = await listen(app, { host: '127.0.0.1', port: 0 })
  t.after(() => closeServer(app, 100))

  const open = async (headers: Record<string, string | number>) => {
    const sending = request(`${url}/v1/things`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', expect: '100-continue', ...headers },
    })
    const answer = once(sending, 'response').then(async ([response]: IncomingMessage[]) => ({
      status: response!.statusCode,
      body: await text(response!),
    }))
    // The server has received the request when it sends this.
    const continued = once(sending, 'continue')
    sending.flushHeaders()
    await continued
    return { sending, answer }
  }
  const refused = async (headers: Record<string, string | number>) => {
    const { sending, answer } = await open(headers)
    const { status, body } = await answer
    sending.destroy()
    return [status, (JSON.parse(body) as { code: string }).code]
  }

  // Two of 24 MiB are within 64 MiB, a third is not, whether its length is known or not.
  const length = { 'content-length': LARGEST_BYTES }
  const chunked = { 'transfer-encoding': 'chunked' }
  const first = await open(length)
  const second = await open(chunked)
  assert.deepEqual(await refused(chunked), [503, 'OVERLOADED'])
  assert.deepEqual(await refused(length), [503, 'OVERLOADED'])
  const small = await open({ 'content-length': 2 })
  small.sending.end('{}')
  assert.equal((await small.answer).status, 200)

  second.sending.end('""')
  assert.equal((await second.answer).status, 200)
  const third = await open(chunked)
  third.sending.end('""')
  assert.equal((await third.answer).status, 200, 'what one gave back another can use')
  first.sending.destroy()
  await assert.rejects(first.answer)
})
