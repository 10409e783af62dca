import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { partitionOf } from '@caudal/event-log/partition-of.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { cancelOperation } from '../src/calls/cancel-operation.ts'
import { emitOverlooked } from '../src/calls/emit-overlooked.ts'
import { createObserver } from '../src/calls/observe.ts'
import { recordByEarlierRelease } from './earlier-release.ts'
import { fileScope, fundsReserved, world } from './world.ts'

const it = await world(fileScope(after))
const logger = createLogger({ service: 'processor', level: 'silent' })
const observer = createObserver({ logger, metrics: createMetrics('processor') })
const deps = { db: it.db, log: it.log, region: 'local' }

/** How many cancels one search emits. */
async function search(): Promise<number> {
  return (await emitOverlooked(deps, new AbortController().signal)).emitted
}

function cancel(paymentId: string) {
  const request = { kind: 'pay', requestId: paymentId, tenantId: 'caudal' } as const
  const canceling = { db: it.db, region: 'local', observer, wakeRelay: () => {} }
  return cancelOperation(canceling, request, { type: 'client', id: 'payments' })
}

/** Consumes the next event of the partition as release 0.1.0 does: the row and the offset. */
function consumeByEarlierRelease(event: FundsReserved): Promise<boolean> {
  return transaction(it.db, async (tx) => {
    const { rowCount } = await tx.query(
      `UPDATE consumer_offsets SET next_offset = next_offset + 1
       WHERE consumer_group = 'processor' AND topic = $1 AND partition = $2`,
      [TOPICS.fundsReserved, partitionOf(event.account_id)],
    )
    assert.equal(rowCount, 1)
    return recordByEarlierRelease(tx, event)
  })
}

async function emitted(): Promise<{ payment_id: string; wallet_transaction_id: string }[]> {
  const { rows } = await it.db.query<{ event: never }>(
    `SELECT payload::jsonb AS event FROM outbox
     WHERE payload::jsonb->>'event_type' = 'payment.canceled'`,
  )
  return rows.map(({ event }) => event)
}

test('a cancel whose funds.reserved release 0.1.0 consumes is emitted once, by instances of this release', async () => {
  const first = await it.start()
  const before = fundsReserved()
  await it.reserve([before])
  await it.final(before.payment_id)
  const others = { account_id: before.account_id, user_id: before.user_id }
  await first.stop()

  const [overlooked, unknown] = [fundsReserved(undefined, others), newId()]
  assert.equal(await cancel(overlooked.payment_id), 'canceled')
  assert.equal(await cancel(unknown), 'canceled')
  assert.equal(await search(), 0, 'nothing of it was consumed')
  await it.reserve([overlooked])
  assert.equal(await search(), 0, 'an instance is yet to consume it')
  assert.equal(await consumeByEarlierRelease(overlooked), false)
  assert.deepEqual(await emitted(), [])

  const services = await Promise.all([it.start(), it.start()])
  const after = fundsReserved(undefined, others)
  const again = { ...overlooked, event_id: newId() }
  await it.reserve([again, after])
  await it.final(after.payment_id)
  const events = await eventually(async () => {
    const found = await it.resultsOf(overlooked.payment_id)
    return found.length > 0 && found
  })
  await Promise.all(services.map((service) => service.stop()))
  assert.deepEqual(
    events.map(({ event_type: type }) => type),
    ['payment.canceled'],
  )
  const [event] = events
  assert.ok(event?.event_type === 'payment.canceled')
  assert.equal(event.wallet_transaction_id, overlooked.wallet_transaction_id)
  assert.equal(event.amount, '10.00')
  assert.equal(await search(), 0)
  assert.equal(await it.requests(overlooked.payment_id), 0)
})

test('a cancel is emitted at the start of an instance, without another event of the payment', async (t) => {
  const event = fundsReserved()
  await cancel(event.payment_id)
  await it.reserve([event])
  const partition = partitionOf(event.account_id)
  await it.db.query(
    `INSERT INTO consumer_offsets (consumer_group, topic, partition, next_offset)
     VALUES ('processor', $1, $2, 0) ON CONFLICT DO NOTHING`,
    [TOPICS.fundsReserved, partition],
  )
  assert.equal(await consumeByEarlierRelease(event), false)
  const service = await it.start()
  t.after(() => service.stop())
  await eventually(async () => (await it.resultsOf(event.payment_id)).length === 1)
})

test('a search that is stopped ends after its step, and the next one goes on from there', async () => {
  const event = fundsReserved()
  const first = fundsReserved(undefined, { account_id: event.account_id, user_id: event.user_id })
  await cancel(event.payment_id)
  await it.reserve([first, event])
  const partition = partitionOf(event.account_id)
  await it.db.query(
    `INSERT INTO consumer_offsets (consumer_group, topic, partition, next_offset)
     VALUES ('processor', $1, $2, 0) ON CONFLICT DO NOTHING`,
    [TOPICS.fundsReserved, partition],
  )
  await it.db.query(`UPDATE early_cancels SET next_offsets = '{}' WHERE payment_id = $1`, [
    event.payment_id,
  ])
  const [end] = await it.log.end([{ topic: TOPICS.fundsReserved, partition }])
  await it.db.query(
    `UPDATE consumer_offsets SET next_offset = $2
     WHERE consumer_group = 'processor' AND topic = $1 AND partition = $3`,
    [TOPICS.fundsReserved, end?.offset, partition],
  )
  const read: (typeof it.log)['read'] = (positions, options) =>
    it.log.read(positions, { ...options, maxRecords: 1 })
  const stopping = new AbortController()
  const stopped = await emitOverlooked(
    {
      ...deps,
      log: {
        ...it.log,
        read(positions, options) {
          stopping.abort()
          // The record was on its way.
          return read(positions, { ...options, signal: new AbortController().signal })
        },
      },
    },
    stopping.signal,
  )
  assert.deepEqual(stopped, { emitted: 0, isWhole: false })
  const { rows } = await it.db.query<{ searched: number }>(
    `SELECT (SELECT sum(value::int)::int FROM jsonb_each_text(next_offsets)) AS searched
     FROM early_cancels WHERE payment_id = $1`,
    [event.payment_id],
  )
  assert.equal(rows[0]?.searched, 1)
  assert.equal(await search(), 1)
})
