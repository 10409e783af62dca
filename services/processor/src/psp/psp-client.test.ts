import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { PspAdapter } from './adapter.ts'
import { createPspClient } from './psp-client.ts'
import { createSyncbankAdapter } from './syncbank-adapter.ts'

const ID = '0192f0c1-2345-7000-8000-000000000001'
const EXPECTED = {
  kind: 'pay',
  operationId: ID,
  paymentId: ID,
  amountMinor: 10_050n,
  currency: 'USD',
} as const
const REQUEST = { expected: EXPECTED, body: Buffer.from('{"a": 1}'), traceparent: null }
const QUERY = {
  itsId: null,
  expected: EXPECTED,
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
}
const APPROVED = JSON.stringify({
  payment_id: EXPECTED.paymentId,
  status: 'approved',
  gateway_transaction_id: 'g-1',
})
const deadline = { remainingMs: () => 5_000 }

type Seen = { method: string; url: string; headers: Record<string, unknown>; body: string }

/** A PSP that approves everything, and a client of it whose adapter is changed a little. */
async function connect(t: TestContext, changes: Partial<PspAdapter> = {}) {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      seen.push({ method, url, headers, body })
      response.end(APPROVED)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = createPspClient({
    adapter: { ...createSyncbankAdapter({ apiKey: 'k-1' }), ...changes },
    url: `http://127.0.0.1:${port}/bank/`,
    maxSends: 1,
    maxQueries: 1,
    connectTimeoutMs: 1_000,
  })
  t.after(async () => {
    await client.close()
    server.close()
  })
  return { client, seen }
}

test('a request carries the frozen bytes, the key of the payment and the credentials', async (t) => {
  const { client, seen } = await connect(t)
  assert.equal((await client.send(REQUEST, deadline)).outcome.kind, 'approved')
  assert.equal((await client.find(QUERY, deadline)).answer.kind, 'approved')
  const [paid, asked] = seen
  assert.deepEqual([paid?.method, paid?.url, paid?.body], ['POST', '/bank/v1/payments', '{"a": 1}'])
  assert.equal(paid?.headers['idempotency-key'], EXPECTED.paymentId)
  assert.equal(paid?.headers['authorization'], 'Bearer k-1')
  assert.deepEqual([asked?.method, asked?.url], ['GET', `/bank/v1/payments/${EXPECTED.paymentId}`])
  assert.equal(asked?.headers['traceparent'], QUERY.traceparent)
})

const throwing = (): never => {
  throw new Error('a mistake in the adapter')
}

test('an answer at which the adapter throws is ambiguous: the payment is in doubt (rule 9)', async (t) => {
  const { client, seen } = await connect(t, { decode: { execute: throwing, query: throwing } })
  const { outcome, facts } = await client.send(REQUEST, deadline)
  assert.deepEqual([outcome.kind, facts.errorClass], ['ambiguous', 'adapter_fault'])
  assert.equal(facts.answerBody?.toString(), APPROVED)
  const found = await client.find(QUERY, deadline)
  assert.deepEqual([found.answer.kind, found.facts.errorClass], ['unknown', 'adapter_fault'])
  assert.equal(seen.length, 2)
})

test('a request that the adapter cannot make is not sent, and waits for an operator', async (t) => {
  const { client, seen } = await connect(t, { encode: { execute: throwing, query: throwing } })
  const { outcome, facts } = await client.send(REQUEST, deadline)
  assert.deepEqual([outcome.kind, facts.errorClass], ['misconfigured', 'adapter_fault'])
  assert.equal((await client.find(QUERY, deadline)).answer.kind, 'unknown')
  assert.deepEqual(seen, [])
})
