import assert from 'node:assert/strict'
import { test } from 'node:test'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { newOperation } from '../src/domain/psp-operation.ts'
import { processorMigrations } from '../src/migrations.ts'
import {
  claimDue,
  type DueLimits,
  type DueOperation,
  type HeldOperations,
  type TurnLimits,
} from '../src/store/claim-due.ts'
import { PAYMENTS } from '../src/store/operation-tables.ts'
import { recordPayments } from '../src/store/record-payments.ts'
import { newPaymentFacts } from './new-payment-facts.ts'

type Due = [count: number, tenantId: string, destinationBank?: string]

/** A database with payments whose request is due since they were recorded. */
async function databaseOf(t: TestScope, ...due: Due[]): Promise<Db> {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'claim' })
  for (const [count, tenantId, destinationBank = 'BANK'] of due) {
    const payments = Array.from({ length: count }, () => ({
      facts: newPaymentFacts({ tenantId, destinationBank }),
      requestBody: Buffer.from('{}'),
      state: newOperation(0),
    }))
    await transaction(db, (tx) => recordPayments(tx, payments))
  }
  return db
}

const OF_NOBODY: HeldOperations = { waitMs: 0, all: false, keys: [] }

/** At most so many of each tenant and bank. */
function turns(total: number, more: Partial<TurnLimits> = {}): TurnLimits {
  return { total, ofKey: total, ofTenant: total, keys: [], tenants: [], ...more }
}

function limitsOf({ send = 0, query = 0 }: { send?: number; query?: number }): DueLimits {
  return { send: turns(send), query: turns(query), await: 0, held: OF_NOBODY }
}

const claim = (db: Db, limits: { send: number; query: number }) =>
  transaction(db, (tx) => claimDue(tx, PAYMENTS, limitsOf(limits)))

const claimSends = (db: Db, send: TurnLimits, held = OF_NOBODY) =>
  transaction(db, (tx) => claimDue(tx, PAYMENTS, { ...limitsOf({}), send, held }))

/** How many payments of each tenant and bank. */
function countsOf(payments: readonly DueOperation[]): Record<string, number> {
  const names = payments.map(({ facts }) => `${facts.tenantId}/${facts.destinationBank}`)
  return Object.fromEntries(
    [...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]),
  )
}

test('a tenant that fills its queue does not delay another tenant', async (t) => {
  const db = await databaseOf(t, [200, 'loud'], [3, 'quiet'])
  const sends = await claim(db, { send: 10, query: 0 })
  assert.equal(sends.length, 10)
  assert.equal(sends.filter(({ facts }) => facts.tenantId === 'quiet').length, 3)

  await db.query(`UPDATE payments SET step = 'query'`)
  const queries = await claim(db, { send: 0, query: 10 })
  assert.equal(queries.length, 10)
  assert.equal(queries.filter(({ facts }) => facts.tenantId === 'quiet').length, 3)
})

test('instances that claim together never lock the same payment', async (t) => {
  const db = await databaseOf(t, [100, 'caudal'])
  const claimed: string[] = []
  await transaction(db, async (tx) => {
    for (const { facts } of await claimDue(tx, PAYMENTS, limitsOf({ send: 40 }))) {
      claimed.push(facts.operationId)
    }
    for (const { facts } of await claim(db, { send: 40, query: 0 })) claimed.push(facts.operationId)
  })
  assert.equal(claimed.length, 80)
  assert.equal(new Set(claimed).size, 80)
})

for (const step of ['send', 'query'] as const) {
  test(`an instance finds a due ${step} behind those that two others have locked`, async (t) => {
    const db = await databaseOf(t, [35, 'caudal'], [1, 'other'])
    await db.query({ text: 'UPDATE payments SET step = $1', values: [step] })
    const limits = limitsOf({ [step]: 10 })
    const claimed: string[] = []
    const claimInside = (left: number): Promise<void> =>
      transaction(db, async (tx) => {
        const payments = await claimDue(tx, PAYMENTS, limits)
        claimed.push(...payments.map(({ facts }) => facts.operationId))
        if (left > 1) await claimInside(left - 1)
      })
    await claimInside(4)
    assert.equal(claimed.length, 36)
    assert.equal(new Set(claimed).size, 36)
  })
}

test('the banks of a tenant take turns, and a tenant with many banks has one turn', async (t) => {
  const db = await databaseOf(
    t,
    [200, 'a', 'FIRST'],
    [2, 'a', 'SECOND'],
    [100, 'a', 'THIRD'],
    [4, 'b', 'FIRST'],
  )
  const claimed = await claimSends(db, turns(16))
  assert.deepEqual(countsOf(claimed), { 'a/FIRST': 5, 'a/SECOND': 2, 'a/THIRD': 5, 'b/FIRST': 4 })
})

test('a claim takes no more of a tenant and bank than may begin', async (t) => {
  const db = await databaseOf(
    t,
    [50, 'a', 'FULL'],
    [50, 'a', 'FAILING'],
    [50, 'b', 'GOOD'],
    [50, 'c', 'GOOD'],
    [50, 'c', 'OTHER'],
  )
  const claimed = await claimSends(
    db,
    turns(100, {
      ofKey: 20,
      ofTenant: 20,
      keys: [
        { key: { tenant: 'a', destination: 'FULL' }, most: 0 },
        { key: { tenant: 'a', destination: 'FAILING' }, most: 1 },
      ],
      tenants: [
        { tenant: 'a', most: 20 },
        { tenant: 'c', most: 6 },
      ],
    }),
  )
  assert.deepEqual(countsOf(claimed), { 'a/FAILING': 1, 'b/GOOD': 20, 'c/GOOD': 3, 'c/OTHER': 3 })
})

test('payments that an open circuit holds are claimed once they have waited too long', async (t) => {
  const db = await databaseOf(t, [3, 'a', 'OPEN'], [3, 'b', 'GOOD'])
  const key = { tenant: 'a', destination: 'OPEN' }
  const held = { waitMs: 60_000, all: false, keys: [key] }
  const send = turns(2, { keys: [{ key, most: 0 }] })
  assert.deepEqual(countsOf(await claimSends(db, send, held)), { 'b/GOOD': 2 })
  await db.query(`UPDATE payments SET due_at = due_at - interval '1 minute'`)
  assert.deepEqual(countsOf(await claimSends(db, send, held)), { 'a/OPEN': 3, 'b/GOOD': 2 })
  const all = await claimSends(db, send, { waitMs: 60_000, all: true, keys: [] })
  assert.deepEqual(countsOf(all), { 'a/OPEN': 3, 'b/GOOD': 3 })
})
