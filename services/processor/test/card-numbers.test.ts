import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createPspClient } from '../src/psp/psp-client.ts'
import { createSyncbankAdapter } from '../src/psp/syncbank-adapter.ts'
import { fundsReserved, world } from './world.ts'

const EXPECTED = {
  kind: 'pay' as const,
  operationId: '0192f0c1-2345-7000-8000-000000000001',
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
/** Also with anything between its groups, such as the escape of U+0000. */
const CARD_NUMBER = /4111[^*]{0,12}1111/
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
  const client = createPspClient({
    adapter: createSyncbankAdapter({}),
    url: `http://127.0.0.1:${port}`,
    maxSends: 1,
    maxQueries: 1,
    connectTimeoutMs: 1_000,
  })
  t.after(async () => {
    await client.close()
    server.close()
  })
  const request = { expected: EXPECTED, body: Buffer.from('{}'), traceparent: null }
  const { outcome, facts } = await client.send(request, deadline)
  assert.ok(outcome.kind === 'declined')
  assert.deepEqual(outcome.response, {
    status: 'failed',
    error_code: 'card_************1111',
    message: 'card **** **** **** 1111 was declined',
    gateway_transaction_id: '5555555555554444',
  })
  const kept = facts.answerBody!.toString()
  assert.ok(!CARD_NUMBER.test(kept), kept.slice(-200))
  assert.match(kept, /card_\*{12}1111/)
  assert.match(kept, /card \*{4} \*{4} \*{4} 1111 was declined/)
})

/** The rows of every table of the service, as XML. */
const ROWS = `
  SELECT c.relname AS name,
    query_to_xml(format('SELECT * FROM %I', c.relname), true, false, '')::text AS rows
  FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition AND has_table_privilege(c.oid, 'SELECT')`

test('F10: no table, outbox or record of the log has the card number that a PSP wrote', async (t) => {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { payment_id } = JSON.parse(Buffer.concat(chunks).toString()) as { payment_id: string }
      response.writeHead(422, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ ...ANSWER, payment_id }))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo
  const it = await world(t)
  await it.start({ CAUDAL_PSP_URL: `http://127.0.0.1:${port}` })
  const event = fundsReserved()
  await it.reserve([event])
  const final = await it.final(event.payment_id)
  assert.ok('reason' in final && final.gateway_response.message?.includes('**** 1111'))
  const { rows: bodies } = await it.db.query<{ body: Buffer }>(
    'SELECT answer_body AS body FROM attempts',
  )
  assert.match(bodies[0]!.body.toString(), /\*{4} 1111 was declined/)
  // XML has bytes in base64, so they are looked at by themselves.
  const { rows } = await it.db.query<{ name: string; rows: string }>(ROWS)
  const texts = [...rows.map((row) => row.rows), ...bodies.map(({ body }) => body.toString())]
  assert.ok(
    texts.some((text) => text.includes('**** 1111 was declined')),
    'tables were read',
  )
  for (const text of texts) assert.ok(!CARD_NUMBER.test(text), text)
  assert.ok(!CARD_NUMBER.test(JSON.stringify(await it.results())))
})
