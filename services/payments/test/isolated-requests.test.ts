import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { Db } from '@caudal/postgres/types.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { ownedOrderOf } from '../src/domain/decide-requests.ts'
import { paymentMigrations } from '../src/migrations.ts'
import type { TracedRequest } from '../src/requests/payment-request.ts'
import type { PaymentRequests } from '../src/requests/request-payments.ts'
import { ask, ORDER, requestsOver, show } from './direct-requests.ts'

/** PostgreSQL stores no NUL: a text with one fails the statement of its whole batch. */
const UNSTORABLE = 'a\u0000b'
const INVALID_BYTES = { code: '22021' }

const scope = suiteScope()
let db: Db

before(async () => {
  db = (await testDatabase(scope, { sets: paymentMigrations, name: 'isolated' })).pool
})

/** Sends the bad request among five good ones, all in one batch. */
async function sendTogether(requests: PaymentRequests, bad: TracedRequest): Promise<void> {
  const good = Array.from({ length: 5 }, () => ask())
  const sent = [...good.slice(0, 2), bad, ...good.slice(2)]
  const settled = await Promise.allSettled(sent.map((request) => requests.request(request)))
  const shown = settled.map((it) => (it.status === 'fulfilled' ? show(it.value) : 'failed'))
  assert.deepEqual(
    shown,
    sent.map((request) => (request === bad ? 'failed' : [202, false])),
  )
  assert(settled[2]?.status === 'rejected')
  assert.equal((settled[2].reason as { code: unknown }).code, INVALID_BYTES.code)
  const { rows } = await db.query<{ user_id: string }>(
    'SELECT user_id FROM payments WHERE user_id = ANY($1::uuid[])',
    [sent.map(({ userId }) => userId)],
  )
  const paid = new Set(rows.map((row) => row.user_id))
  assert.deepEqual(paid, new Set(good.map(({ userId }) => userId)))
  for (const request of good) {
    assert.deepEqual(show(await requests.request(request)), [202, true])
  }
}

test('a request that the key lookup fails on fails alone, the others of its batch are paid', () =>
  sendTogether(requestsOver(db), ask({ tenantId: UNSTORABLE })))

test('a request that cannot be stored fails alone, and its batch looks orders up once', async () => {
  const bad = ask()
  const lookups: number[] = []
  const requests = requestsOver(db, {
    lookUpOrders: async (wanted) => {
      lookups.push(wanted.length)
      const orderOf = (it: { userId: string }) =>
        it.userId === bad.userId ? { ...ORDER, serviceName: UNSTORABLE } : ORDER
      return new Map(wanted.map((it) => [ownedOrderOf(it), orderOf(it)]))
    },
  })
  await sendTogether(requests, bad)
  assert.deepEqual(lookups, [6])
})

test('requests with one idempotency key get one answer when their batch is split', async () => {
  const bad = ask()
  const requests = requestsOver(db, {
    lookUpOrders: async (wanted) =>
      new Map(
        wanted.map((it) => [
          ownedOrderOf(it),
          it.userId === bad.userId ? { ...ORDER, serviceName: UNSTORABLE } : ORDER,
        ]),
      ),
  })
  const first = ask()
  const rival = ask({ userId: first.userId, externalOrderId: first.externalOrderId })
  const failed = assert.rejects(requests.request(bad), INVALID_BYTES)
  const outcomes = await Promise.all([
    requests.request(first),
    requests.request(ask({ ...first, paymentId: ask().paymentId })),
    requests.request(rival),
  ])
  await failed
  assert.deepEqual(outcomes.map(show), [
    [202, false],
    [202, true],
    [409, false],
  ])
})
