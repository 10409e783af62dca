import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { testServer } from '@caudal/testing/test-server.ts'
import pg from 'pg'
import type { CallbackFact } from '../src/domain/callback-fact.ts'
import { storeCallbacks } from '../src/store/store-callbacks.ts'
import { about, callbackWorld } from './callback-world.ts'
import { fileScope, fundsReserved } from './world.ts'

const COUNT = 300
const it = await callbackWorld(fileScope(after))

/** Pays without callbacks of the simulator. */
async function paid(count: number): Promise<FundsReserved[]> {
  await it.deliver(null)
  const payments = Array.from({ length: count }, () => fundsReserved())
  await it.reserve(payments)
  await it.finals(payments)
  return payments
}

/** The facts that repeat the answers to these payments. */
async function repeatsOf(payments: readonly FundsReserved[]): Promise<CallbackFact[]> {
  const ids = await transactionsOf(payments)
  return payments.map(({ payment_id: id }) => ({
    key: newId(),
    kind: 'pay',
    ourId: id,
    itsId: ids.get(id) ?? null,
    paymentId: id,
    paymentItsId: ids.get(id) ?? null,
    state: 'approved',
    amountMinor: 1_000n,
    currency: 'USD',
    reasonCode: null,
  }))
}

/** Stores callbacks that arrived before the answers to their payments, and waits for their end. */
async function applyRepeats(payments: readonly FundsReserved[]): Promise<void> {
  const facts = await repeatsOf(payments)
  const common = { psp: 'main', account: 'main', body: Buffer.from('{}') }
  const callbacks = facts.map((fact) => {
    return { ...common, callbackId: newId(), isMasked: false, signedAt: null, facts: [fact] }
  })
  await storeCallbacks(it.db, callbacks)
  for (const { payment_id: id } of payments) {
    const [fact] = await it.settled(id)
    assert.deepEqual([fact?.state, fact?.callback_state], ['NO_CHANGE', 'NO_CHANGE'])
  }
}

async function transactionsOf(payments: readonly FundsReserved[]): Promise<Map<string, string>> {
  const { rows } = await it.db.query<{ payment_id: string; id: string }>(
    `SELECT payment_id, gateway_response->>'gateway_transaction_id' AS id FROM payments
     WHERE payment_id = ANY($1::uuid[])`,
    [payments.map(({ payment_id: id }) => id)],
  )
  return new Map(rows.map(({ payment_id: paymentId, id }) => [paymentId, id]))
}

test('a callback that repeats the answer is finished when it is stored', async () => {
  const [payment] = await paid(1)
  assert.ok(payment)
  const ids = await transactionsOf([payment])
  const repeat = { gateway_transaction_id: ids.get(payment.payment_id) }
  const { status } = await it.post(about(payment, 'approved', repeat))
  assert.equal(status, 202)
  const facts = await it.stored(payment.payment_id)
  assert.deepEqual(
    facts.map((fact) => [fact.state, fact.callback_state, fact.payment_id]),
    [['NO_CHANGE', 'NO_CHANGE', payment.payment_id]],
  )
})

test('an answer is not written again by the callback that came before it', async () => {
  const payments = await paid(3)
  const versionsOf = async () => {
    const { rows } = await it.db.query<{ payment_id: string; version: string }>(
      `SELECT payment_id, ctid::text || xmin::text AS version FROM payments
       WHERE payment_id = ANY($1::uuid[]) ORDER BY payment_id`,
      [payments.map(({ payment_id: id }) => id)],
    )
    return rows
  }
  const before = await versionsOf()
  await applyRepeats(payments)
  assert.deepEqual(await versionsOf(), before)
})

test('facts that name payments by our ids are applied by few statements', async (t) => {
  const admin = new pg.Client({ connectionString: testServer().adminUrl })
  await admin.connect()
  t.after(() => admin.end())
  const payments = await paid(COUNT)
  const before = await callsOf(admin)
  await applyRepeats(payments)
  const applied = await callsOf(admin)
  const calls = (name: keyof typeof before): number => applied[name] - before[name]
  assert.ok(calls('finish') > 0 && calls('finish') < COUNT / 10, `${calls('finish')} rounds`)
  assert.equal(calls('search'), 0, 'searched for ids of the PSP')
  assert.equal(calls('derive'), 0, 'derived the states of callbacks with one fact')
})

/** How often the statements ran that apply facts in this database. */
async function callsOf(
  admin: pg.Client,
): Promise<{ finish: number; search: number; derive: number }> {
  const { rows } = await admin.query<{ finish: number; search: number; derive: number }>(
    `SELECT coalesce(sum(calls) FILTER (WHERE query ~ 'UPDATE callback_facts'), 0)::int AS finish,
       coalesce(sum(calls) FILTER (WHERE query ~ 'AS w\\(psp, its_id\\)'), 0)::int AS search,
       coalesce(sum(calls) FILTER (WHERE query ~ 'FROM callbacks .*FOR UPDATE'), 0)::int AS derive
     FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
     WHERE d.datname = $1`,
    [new URL(it.adminUrl).pathname.slice(1)],
  )
  return rows[0]!
}
