import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { NewRecord } from '../src/event-log.ts'
import { nameOrderKeys } from '../src/name-order-keys.ts'
import type { OrderBy } from '../src/order-key.ts'
import { ParkError } from '../src/park-error.ts'
import { findParked, listParked } from '../src/parked-list.ts'
import { consumer, userCreated, userOf, world, writeEffects } from './consumer-world.ts'

/** Several users share the account of these tests, as several payments share one. */
const byUser: OrderBy = { [TOPICS.users]: ['user_id'] }

/** A consumer that parks the events of some users, until they are known. */
function parking(unknown: Set<string>): Parameters<typeof consumer>[2] {
  return async (tx, work) => {
    const early = work.filter(({ event }) => unknown.has(event.user_id))
    if (early.length === 0) return writeEffects(tx, work)
    throw new ParkError(early.map(({ record }) => ({ record, kind: 'waiting', cause: 'early' })))
  }
}

test('rule 11: a parked record keeps only those of its order key waiting', async (t) => {
  const it = await world(t)
  const [account, stranger] = [newId(), newId()]
  const unknown = new Set([stranger])
  const running = await consumer(t, it, parking(unknown), { orderBy: byUser })
  const strange = () => userCreated(stranger, account)
  const others = Array.from({ length: 3 }, () => userCreated(newId(), account))
  await it.log.append([strange(), others[0]!, strange(), others[1]!])
  await eventually(async () => (await it.effects()).length === 2)
  await it.log.append([others[2]!, strange()])
  await eventually(async () => (await it.effects()).length === 3)
  assert.deepEqual(await it.effects(), others.map(userOf))
  await eventually(() => running.parkedCount() === 3)
  const [first] = await listParked(it.db, 'test', { limit: 10 })
  assert.deepEqual([first?.key, first?.recordKey], [stranger, account])
  assert.equal((await findParked(it.db, 'test', first!))?.behind, 2)
  unknown.clear()
  await eventually(async () => (await it.effects()).length === 6)
})

test('a record without the members of the order key is ordered by its record key', async (t) => {
  const it = await world(t)
  const account = newId()
  await consumer(t, it, writeEffects, { orderBy: byUser })
  const unreadable: NewRecord = { ...userCreated(newId(), account), value: '{"event_type":1}' }
  const broken = { ...userCreated(newId(), account), value: '"no event"' }
  const fine = userCreated(newId(), account)
  await it.log.append([unreadable, broken, fine])
  await eventually(async () => (await it.effects()).length === 1)
  const parked = await listParked(it.db, 'test', { limit: 10 })
  assert.deepEqual(
    parked.map(({ key, kind }) => [key, kind]),
    [
      [account, 'unprocessable'],
      [account, 'unprocessable'],
    ],
  )
})

test('a damaged event keeps those of its order key waiting', async (t) => {
  const it = await world(t)
  const [account, user] = [newId(), newId()]
  const running = await consumer(t, it, writeEffects, { orderBy: byUser })
  const damaged = JSON.stringify({ ...JSON.parse(userCreated(user).value), accounts: [] })
  const behind = userCreated(user, account)
  const other = userCreated(newId(), account)
  await it.log.append([{ ...userCreated(user, account), value: damaged }, behind, other])
  await eventually(() => running.parkedCount() === 2)
  assert.deepEqual(await it.effects(), [userOf(other)])
})

test('what release 0.1.0 parked by record key gets its order key, and frees the others', async (t) => {
  const it = await world(t)
  const [account, stranger] = [newId(), newId()]
  const unknown = new Set([stranger])
  const first = await consumer(t, it, parking(unknown), { orderBy: byUser })
  await it.log.append([userCreated(stranger, account)])
  await eventually(() => first.parkedCount() === 1)
  await first.stop()
  // As the release before writes it: it knows no order key.
  const other = userCreated(newId(), account)
  await it.db.query('UPDATE parked_records SET order_key = NULL')
  await it.db.query(
    `INSERT INTO parked_records (consumer_group, topic, partition, record_offset, record_key,
       value, headers, kind, cause)
     SELECT consumer_group, topic, partition, record_offset + 1, record_key, $1, headers, kind,
       cause
     FROM parked_records`,
    [other.value],
  )
  await it.db.query(
    'UPDATE consumer_offsets SET next_offset = next_offset + 1 WHERE next_offset > 0',
  )
  await it.log.append([other])
  const second = await consumer(t, it, parking(unknown), { orderBy: byUser })
  await eventually(async () => (await it.effects()).length === 1)
  assert.deepEqual(await it.effects(), [userOf(other)])
  await eventually(() => second.parkedCount() === 1)
})

test('until its order key is known, a record of release 0.1.0 keeps its record key waiting', async (t) => {
  const it = await world(t)
  const account = newId()
  const running = await consumer(t, it, writeEffects, { orderBy: byUser })
  const [early, late, other] = [
    userCreated(newId(), account),
    userCreated(newId(), account),
    userCreated(),
  ]
  await it.log.append([other])
  await eventually(async () => (await it.effects()).length === 1)
  await it.db.query(
    `INSERT INTO parked_records (consumer_group, topic, partition, record_offset, record_key,
       value, headers, kind, cause, next_attempt_at)
     SELECT 'test', $1, o.partition, 99, $2, $3, '{}', 'waiting', 'early', now() + interval '1 hour'
     FROM consumer_offsets o LIMIT 1`,
    [TOPICS.users, account, early.value],
  )
  await it.log.append([late])
  await eventually(() => running.parkedCount() > 0)
  assert.equal((await it.effects()).length, 1)
  await nameOrderKeys({ db: it.db, orderBy: byUser, group: 'test', source: 'local' })
  await eventually(async () => (await it.effects()).length === 2)
  assert.equal((await it.effects())[1], userOf(late))
})

test('a consumer whose topics have no order does not start', async (t) => {
  const it = await world(t)
  await assert.rejects(consumer(t, it, writeEffects, { orderBy: {} }), /identity\.users/)
})
