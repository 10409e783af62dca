import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import type { SeededUser } from '../demo-data/seed-users.ts'
import { resolveUnanswered, sendPayments } from './send-payments.ts'

type Answer = (response: ServerResponse, tries: number) => void

/** A gateway that responds to each attempt of a key as the test sets, and counts the attempts. */
async function fakeGateway(t: TestContext, answer: Answer) {
  const tries = new Map<string, number>()
  const server = createServer((request, response) => {
    const key = String(request.headers['idempotency-key'])
    tries.set(key, (tries.get(key) ?? 0) + 1)
    request.resume().on('end', () => answer(response, tries.get(key)!))
  })
  server.listen(0, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, tries }
}

function usersWith(orders: number): SeededUser[] {
  const order = { amount: '1.00', currency: 'USD', service_name: 's', service_account_number: 'a' }
  const made = Array.from({ length: orders }, () => ({ external_order_id: newId(), ...order }))
  return [{ user_id: newId(), token: 't', wallet_id: newId(), account_id: newId(), orders: made }]
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

test('a request whose response is lost is repeated with the same idempotency key', async (t) => {
  const ways: Answer[] = [
    (response) => response.destroy(),
    (response) => reply(response, 503, { code: 'UNAVAILABLE' }),
    (response) => {
      response.writeHead(202, { 'content-length': '100' }).write('{"payment')
      setImmediate(() => response.destroy())
    },
  ]
  const { url, tries } = await fakeGateway(t, (response, count) => {
    const lose = ways[count - 1]
    if (lose) lose(response, count)
    else reply(response, 202, { payment_id: newId() })
  })
  const attempts = await sendPayments(url, usersWith(3), { rate: 1_000, count: 3 })
  assert.deepEqual(
    attempts.map(({ status }) => status),
    [202, 202, 202],
  )
  assert.deepEqual(
    attempts.map(({ key }) => tries.get(key)),
    [4, 4, 4],
  )
  assert.equal(new Set(attempts.map(({ paymentId }) => paymentId)).size, 3)
})

test('a refused request is not repeated, and one without a response has no status', async (t) => {
  const { url, tries } = await fakeGateway(t, (response) => {
    reply(response, 503, { code: 'OVERLOADED' })
  })
  const [refused] = await sendPayments(url, usersWith(1), { rate: 1_000, count: 1 })
  assert.deepEqual([refused!.status, tries.get(refused!.key)], [503, 1])
  const unresponsive = await fakeGateway(t, (response) => response.destroy())
  const options = { rate: 1_000, count: 1, retryTimeoutMs: 400 }
  const [unknown] = await sendPayments(unresponsive.url, usersWith(1), options)
  assert.equal(unknown!.status, undefined)
  assert.ok(unresponsive.tries.get(unknown!.key)! > 1)
})

test('requests without a response are resolved by their keys', async (t) => {
  let available = false
  const { url, tries } = await fakeGateway(t, (response) => {
    if (available) reply(response, 202, { payment_id: newId() })
    else response.destroy()
  })
  const users = usersWith(3)
  const options = { rate: 1_000, count: 3, retryTimeoutMs: 0 }
  const attempts = await sendPayments(url, users, options)
  assert.deepEqual(
    attempts.map(({ status }) => status),
    [undefined, undefined, undefined],
  )
  await assert.rejects(resolveUnanswered(url, users, attempts, 0), /3 requests were not answered/)
  available = true
  assert.equal(await resolveUnanswered(url, users, attempts), 3)
  assert.deepEqual(
    attempts.map(({ status, key }) => [status, tries.get(key)! > 1]),
    [
      [202, true],
      [202, true],
      [202, true],
    ],
  )
  assert.equal(await resolveUnanswered(url, users, attempts), 0)
})
