import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { newPayment } from '../src/domain/psp-payment.ts'
import { migrationSets } from '../src/migrations.ts'
import { claimDue } from '../src/store/claim-due.ts'
import { recordPayments } from '../src/store/record-payments.ts'

/** Payments whose request is due since they were recorded. */
async function due(db: Db, tenantId: string, count: number): Promise<void> {
  const payments = Array.from({ length: count }, () => ({
    facts: {
      paymentId: newId(),
      tenantId,
      accountId: newId(),
      userId: newId(),
      walletTransactionId: newId(),
      amountMinor: 1_000n,
      currency: 'USD',
      traceparent: null,
    },
    requestBody: Buffer.from('{}'),
    state: newPayment(0),
  }))
  await transaction(db, (tx) => recordPayments(tx, payments))
}

const claim = (db: Db, limits: { send: number; query: number }) =>
  transaction(db, (tx) => claimDue(tx, { ...limits, await: 0 }))

test('a tenant that fills its queue does not delay another tenant', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: migrationSets, name: 'claim' })
  await due(db, 'loud', 200)
  await due(db, 'quiet', 3)
  const sends = await claim(db, { send: 10, query: 0 })
  assert.equal(sends.length, 10)
  assert.equal(sends.filter(({ facts }) => facts.tenantId === 'quiet').length, 3)

  await db.query(`UPDATE payments SET step = 'query'`)
  const queries = await claim(db, { send: 0, query: 10 })
  assert.equal(queries.length, 10)
  assert.equal(queries.filter(({ facts }) => facts.tenantId === 'quiet').length, 3)
})

test('instances that claim together never lock the same payment', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: migrationSets, name: 'claim' })
  await due(db, 'caudal', 100)
  const claimed: string[] = []
  await transaction(db, async (tx) => {
    for (const { facts } of await claimDue(tx, { send: 40, query: 0, await: 0 })) {
      claimed.push(facts.paymentId)
    }
    for (const { facts } of await claim(db, { send: 40, query: 0 })) claimed.push(facts.paymentId)
  })
  assert.equal(claimed.length, 80)
  assert.equal(new Set(claimed).size, 80)
})

for (const step of ['send', 'query'] as const) {
  test(`an instance finds a due ${step} behind those that two others have locked`, async (t) => {
    const { pool: db } = await testDatabase(t, { sets: migrationSets, name: 'claim' })
    await due(db, 'caudal', 35)
    await due(db, 'other', 1)
    await db.query({ text: 'UPDATE payments SET step = $1', values: [step] })
    const limits = { send: 0, query: 0, await: 0, [step]: 10 }
    const claimed: string[] = []
    const claimInside = (left: number): Promise<void> =>
      transaction(db, async (tx) => {
        const payments = await claimDue(tx, limits)
        claimed.push(...payments.map(({ facts }) => facts.paymentId))
        if (left > 1) await claimInside(left - 1)
      })
    await claimInside(4)
    assert.equal(claimed.length, 36)
    assert.equal(new Set(claimed).size, 36)
  })
}
