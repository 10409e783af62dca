import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createHttpAdapter } from '../src/psp/http-adapter.ts'

const EXPECTED = {
  paymentId: '0192f0c1-2345-7000-8000-000000000001',
  amountMinor: 10_050n,
  currency: 'USD',
}
const ANSWER = {
  status: 'failed',
  // U+0000 is left out before it is stored, so it separates nothing.
  error_code: 'card_4111\u0000111111111111',
  message: 'card 4111 1111 1111 1111 was declined',
  // It has the form of a card number, but it must remain unique.
  gateway_transaction_id: '5555555555554444',
  payment_id: EXPECTED.paymentId,
}
const deadline = { remainingMs: () => 5_000 }

test('F10: a card number in an answer of the PSP is masked before it is stored', async (t) => {
  // Card numbers begin just before the end of what is kept.
  const padding = { padding: 'x'.repeat(3_800) }
  const pans = Array.from({ length: 9 }, () => '4111-1111-1111-1111')
  const server = createServer((_, response) => {
    response.writeHead(422, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ ...ANSWER, ...padding, pans }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const adapter = createHttpAdapter({
    url: `http://127.0.0.1:${port}`,
    maxSends: 1,
    maxQueries: 1,
    connectTimeoutMs: 1_000,
  })
  t.after(async () => {
    await adapter.close()
    server.close()
  })
  const request = { expected: EXPECTED, body: Buffer.from('{}'), traceparent: null }
  const { outcome, facts } = await adapter.send(request, deadline)
  assert.ok(outcome.kind === 'declined')
  assert.deepEqual(outcome.response, {
    status: 'failed',
    error_code: 'card_************1111',
    message: 'card **** **** **** 1111 was declined',
    gateway_transaction_id: '5555555555554444',
  })
  const kept = facts.answerBody!.toString()
  assert.ok(!/4111[- ]?1111/.test(kept), kept.slice(-200))
  assert.match(kept, /card \*{4} \*{4} \*{4} 1111 was declined/)
})
