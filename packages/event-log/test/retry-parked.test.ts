import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { ParkError } from '../src/park-error.ts'
import { consumer, userCreated, userOf, world, writeEffects } from './consumer-world.ts'

const KEYS = 50

test('the first records of many keys are tried again in one transaction', async (t) => {
  const it = await world(t)
  let ready = false
  const sizes: number[] = []
  const running = await consumer(t, it, async (tx, work) => {
    if (!ready) {
      throw new ParkError(
        work.map(({ record }) => ({ record, kind: 'waiting' as const, cause: 'early' })),
      )
    }
    sizes.push(work.length)
    return writeEffects(tx, work)
  })
  const accounts = Array.from({ length: KEYS }, () => newId())
  const records = [...accounts, ...accounts].map((account) => userCreated(newId(), account))
  await it.log.append(records)
  await eventually(() => running.parkedCount() === 2 * KEYS)
  ready = true
  await it.db.query('UPDATE parked_records SET next_attempt_at = now()')
  await eventually(() => running.parkedCount() === 0)
  assert.equal((await it.effects()).length, 2 * KEYS)
  assert.ok(sizes.length < KEYS / 2, `${sizes.length} transactions`)
  const effects = await it.effects()
  for (const account of accounts) {
    const own = records.filter(({ key }) => key === account).map(userOf)
    assert.deepEqual(
      effects.filter((user) => own.includes(user)),
      own,
    )
  }
})

test('a record that keeps failing delays no other key when parked records are retried', async (t) => {
  const it = await world(t)
  let ready = false
  const records = Array.from({ length: 20 }, () => userCreated())
  const poison = userOf(records[7]!)
  const running = await consumer(t, it, async (tx, work) => {
    if (!ready) {
      throw new ParkError(
        work.map(({ record }) => ({ record, kind: 'waiting' as const, cause: 'early' })),
      )
    }
    if (work.some(({ event }) => event.user_id === poison)) throw new TypeError('planted')
    return writeEffects(tx, work)
  })
  await it.log.append(records)
  await eventually(() => running.parkedCount() === records.length)
  ready = true
  await it.db.query('UPDATE parked_records SET next_attempt_at = now()')
  await eventually(() => running.parkedCount() === 1)
  assert.equal((await it.effects()).length, records.length - 1)
  const { rows } = await it.db.query<{ cause: string; kind: string }>(
    'SELECT cause, kind FROM parked_records WHERE resolved_at IS NULL',
  )
  assert.deepEqual(rows, [{ cause: 'planted', kind: 'waiting' }])
})

test('a record whose fault may pass delays no other key when parked records are retried', async (t) => {
  const it = await world(t)
  let ready = false
  const records = Array.from({ length: 10 }, () => userCreated())
  const slow = userOf(records[3]!)
  const running = await consumer(t, it, async (tx, work) => {
    if (!ready) {
      throw new ParkError(
        work.map(({ record }) => ({ record, kind: 'waiting' as const, cause: 'early' })),
      )
    }
    if (work.some(({ event }) => event.user_id === slow)) {
      throw Object.assign(new Error('planted'), { retryable: true })
    }
    return writeEffects(tx, work)
  })
  await it.log.append(records)
  await eventually(() => running.parkedCount() === records.length)
  ready = true
  await it.db.query('UPDATE parked_records SET next_attempt_at = now()')
  await eventually(async () => (await it.effects()).length === records.length - 1)
  const { rows } = await it.db.query<{ cause: string }>(
    'SELECT cause FROM parked_records WHERE resolved_at IS NULL',
  )
  assert.deepEqual(rows, [{ cause: 'early' }])
})

test('two logs have offsets and parked records of their own in one database', async (t) => {
  const here = await world(t)
  const there = { ...here, log: (await world(t)).log }
  await consumer(t, here, writeEffects)
  await consumer(t, there, writeEffects, { source: 'north' })
  const account = newId()
  const broken = { ...userCreated(newId(), account), value: '{}' }
  const fine = userCreated(newId(), account)
  await there.log.append([broken])
  await eventually(async () => (await openIn(here)) === 1)
  await here.log.append([fine])
  await eventually(async () => (await here.effects()).length === 1)
  const { rows } = await here.db.query<{ source: string; moved: bigint }>(
    `SELECT source, sum(next_offset)::bigint AS moved FROM consumer_offsets
     GROUP BY source ORDER BY source`,
  )
  assert.deepEqual(rows, [
    { source: 'local', moved: 1n },
    { source: 'north', moved: 1n },
  ])
})

async function openIn({ db }: Awaited<ReturnType<typeof world>>): Promise<number> {
  const { rows } = await db.query('SELECT FROM parked_records WHERE resolved_at IS NULL')
  return rows.length
}
