import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import type { DeliveryDecision, PushOutcome } from '../src/domain/decide-delivery.ts'
import { notificationMigrations } from '../src/migrations.ts'
import { claimDueNotifications } from '../src/store/claim-due-notifications.ts'
import { type NewNotification, recordNotifications } from '../src/store/record-notifications.ts'
import { saveOutcomes, type TriedNotification } from '../src/store/save-outcomes.ts'

const LEASE_MS = 60_000
const delivered: PushOutcome = { kind: 'delivered' }
const failing: PushOutcome = { kind: 'retry', error: 'HTTP_500' }

function decision(status: DeliveryDecision['status'], retryInMs = 0): DeliveryDecision {
  const isPending = status === 'PENDING'
  return { status, retryInMs: isPending ? retryInMs : null, failures: 1, detail: null }
}

function tried(
  paymentId: string,
  attempt: number,
  status: DeliveryDecision['status'],
  outcomes: readonly [deviceId: string, PushOutcome][] = [],
): TriedNotification {
  const devices = outcomes.map(([deviceId, outcome]) => ({
    device: { deviceId, platform: 'ios' as const, token: 't' },
    outcome,
  }))
  return { key: paymentId, attempt, decision: decision(status), devices }
}

describe('the tables of notifications', async () => {
  const { pool: db } = await testDatabase(suiteScope(), {
    sets: notificationMigrations,
    name: 'store',
  })

  const record = async (
    count: number,
    plan: NewNotification['plan'],
    tenantId = 'caudal',
  ): Promise<string[]> => {
    const payments = Array.from({ length: count }, () => newId())
    const notifications = payments.map((paymentId) => ({
      key: paymentId,
      paymentId,
      objectId: null,
      tenantId,
      userId: newId(),
      amount: '1.00',
      currency: 'USD',
      serviceName: 'Light',
      outcome: 'COMPLETED' as const,
      traceparent: null,
      finalizedAtMs: Date.now(),
      plan,
    }))
    const recorded = await transaction(db, (tx) => recordNotifications(tx, notifications, LEASE_MS))
    assert.equal(recorded.size, count)
    return notifications.map(({ paymentId }) => paymentId)
  }
  const statusOf = async (paymentId: string): Promise<string> => {
    const { rows } = await db.query<{ status: string }>(
      'SELECT status FROM notifications WHERE payment_id = $1',
      [paymentId],
    )
    return rows[0]!.status
  }
  const claim = (limit = 1_000) => claimDueNotifications(db, { limit, leaseMs: LEASE_MS })

  test('P6: a notification that is sent at once is leased, one that waits is due', async () => {
    const [taken] = await record(1, 'taken')
    const [waiting] = await record(1, 'waiting')
    await record(1, 'too_old')
    const claimed = await claim()
    assert.deepEqual(
      claimed.map(({ paymentId, attempt }) => [paymentId, attempt]),
      [[waiting, 1]],
    )
    assert.equal(await statusOf(taken!), 'PENDING')
    assert.deepEqual(await claim(), [])
  })

  test('P6: instances that claim together never take the same notification', async () => {
    const payments = await record(100, 'waiting')
    const claims = await Promise.all(Array.from({ length: 8 }, () => claim(20)))
    const taken = claims.flat().map(({ paymentId }) => paymentId)
    assert.equal(new Set(taken).size, taken.length)
    taken.push(...(await claim()).map(({ paymentId }) => paymentId))
    assert.deepEqual(taken.toSorted(), payments.toSorted())
  })

  test('a tenant that fills its queue does not delay another tenant', async () => {
    await record(200, 'waiting', 'loud')
    const quiet = await record(3, 'waiting', 'quiet')
    const claimed = (await claim(10)).map(({ paymentId }) => paymentId)
    assert.equal(claimed.length, 10)
    for (const paymentId of quiet) assert.ok(claimed.includes(paymentId))
    await claim()
  })

  test('an instance finds notifications behind those that two others have locked', async () => {
    const payments = await record(35, 'waiting')
    const claimed: string[] = []
    const claimInside = (left: number): Promise<void> =>
      transaction(db, async (tx) => {
        const due = await claimDueNotifications(tx, { limit: 10, leaseMs: LEASE_MS })
        claimed.push(...due.map(({ paymentId }) => paymentId))
        if (left > 1) await claimInside(left - 1)
      })
    await claimInside(4)
    assert.deepEqual(claimed.toSorted(), payments.toSorted())
  })

  test('P6: a decision after a lost lease changes nothing', async () => {
    const [paymentId] = await record(1, 'waiting')
    await claim()
    await saveOutcomes(db, [tried(paymentId!, 1, 'PENDING')])
    const [second] = await claim()
    assert.equal(second!.attempt, 2)
    for (const status of ['FAILED', 'NO_DEVICE', 'PENDING'] as const) {
      await saveOutcomes(db, [tried(paymentId!, 1, status)])
      assert.equal(await statusOf(paymentId!), 'PENDING')
    }
    assert.deepEqual(await claim(), [], 'the lease of the second holder stands')
    await saveOutcomes(db, [tried(paymentId!, 2, 'FAILED')])
    assert.equal(await statusOf(paymentId!), 'FAILED')
  })

  test('P6: a delivery counts also after a lost lease, and is final', async () => {
    const [paymentId] = await record(1, 'waiting')
    const deviceId = newId()
    await claim()
    await saveOutcomes(db, [tried(paymentId!, 1, 'PENDING', [[deviceId, failing]])])
    await claim()
    await saveOutcomes(db, [tried(paymentId!, 2, 'FAILED', [[deviceId, failing]])])
    await saveOutcomes(db, [tried(paymentId!, 1, 'SENT', [[deviceId, delivered]])])
    assert.equal(await statusOf(paymentId!), 'SENT')
    await saveOutcomes(db, [tried(paymentId!, 2, 'NO_DEVICE', [[deviceId, failing]])])
    assert.equal(await statusOf(paymentId!), 'SENT')
    const { rows } = await db.query('SELECT status FROM deliveries WHERE payment_id = $1', [
      paymentId,
    ])
    assert.deepEqual(rows, [{ status: 'DELIVERED' }])
  })

  test('P6: two tries of one notification that end together are both recorded', async () => {
    const [paymentId, other] = await record(2, 'waiting')
    const deviceId = newId()
    await claim()
    await saveOutcomes(db, [
      tried(paymentId!, 1, 'PENDING', [[deviceId, failing]]),
      tried(other!, 1, 'SENT', [[newId(), delivered]]),
      tried(paymentId!, 1, 'SENT', [[deviceId, delivered]]),
    ])
    assert.equal(await statusOf(paymentId!), 'SENT')
    assert.equal(await statusOf(other!), 'SENT')
  })

  test('P6: a claim loads the earlier answers of the devices', async () => {
    const [paymentId] = await record(1, 'waiting')
    const [got, open] = [newId(), newId()]
    await claim()
    const outcomes: [string, PushOutcome][] = [
      [got, delivered],
      [open, failing],
    ]
    await saveOutcomes(db, [tried(paymentId!, 1, 'PENDING', outcomes)])
    const [again] = await claim()
    assert.equal(again!.failures, 1)
    assert.deepEqual([...again!.settled], [[got, 'DELIVERED']])
  })

  test('rule 6: concurrent saves of the same notifications in any order do not deadlock', async () => {
    const payments = await record(200, 'waiting')
    await claim()
    const save = (order: readonly string[], attempt: number) =>
      saveOutcomes(
        db,
        order.map((paymentId) => tried(paymentId, attempt, 'SENT', [[paymentId, delivered]])),
      )
    for (let round = 1; round <= 5; round += 1) {
      await Promise.all([save(payments, round), save(payments.toReversed(), round + 1)])
    }
  })
})
