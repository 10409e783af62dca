import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { EventLog } from '../src/event-log.ts'
import { ParkError } from '../src/park-error.ts'
import { consumer, userCreated, userOf, world, writeEffects } from './consumer-world.ts'

test('F4: two consumers that both hold all partitions apply each record once', async (t) => {
  const it = await world(t)
  // Both believe that everything is theirs, as a zombie does after a rebalance.
  const log: EventLog = {
    ...it.log,
    join: async (_group, topics, listen) => {
      listen(
        topics.flatMap((topic) =>
          Array.from({ length: 12 }, (_, partition) => ({ topic, partition })),
        ),
      )
      return { report: async () => true, leave: async () => {} }
    },
  }
  const records = Array.from({ length: 400 }, () => userCreated())
  const zombies = { ...it, log }
  await consumer(t, zombies, writeEffects)
  await consumer(t, zombies, writeEffects)
  for (let at = 0; at < records.length; at += 20) await log.append(records.slice(at, at + 20))
  await eventually(async () => (await it.effects()).length >= records.length)
  assert.deepEqual((await it.effects()).toSorted(), records.map(userOf).toSorted())
})

test('F4: effects and offsets move together: a batch that fails leaves nothing', async (t) => {
  const it = await world(t)
  let failures = 2
  await consumer(t, it, async (tx, events) => {
    const result = await writeEffects(tx, events)
    failures -= 1
    if (failures >= 0) throw Object.assign(new Error('planted'), { retryable: true })
    return result
  })
  const records = Array.from({ length: 10 }, () => userCreated())
  await it.log.append(records)
  await eventually(async () => (await it.effects()).length > 0)
  assert.deepEqual((await it.effects()).toSorted(), records.map(userOf).toSorted())
  assert.ok(failures < 0)
})

test('rule 11: an unreadable record and those behind it of its key are parked; other keys go on', async (t) => {
  const it = await world(t)
  const lines: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const logger = createLogger({ service: 'test', destination })
  const running = await consumer(t, it, writeEffects, { logger })
  const account = newId()
  const [before, after, other] = [
    userCreated(newId(), account),
    userCreated(newId(), account),
    userCreated(),
  ]
  const broken = {
    ...userCreated(newId(), account),
    value: '{"event_type":"user.created","schema_version":"1.1.0"}',
  }
  await it.log.append([before, broken, after, other])
  await eventually(async () => (await it.effects()).length === 2)
  assert.deepEqual((await it.effects()).toSorted(), [userOf(before), userOf(other)].toSorted())
  assert.equal(running.parkedCount(), 2)
  const { rows } = await it.db.query(
    'SELECT kind, cause FROM parked_records ORDER BY record_offset',
  )
  assert.equal(rows[0].kind, 'unprocessable')
  assert.match(rows[0].cause, /^user\.created: /)
  assert.equal(rows[1].kind, 'waiting')
  assert.deepEqual(
    lines.map(({ message, kind, actor }) => [message, kind, actor]),
    [
      ['parked a record', 'unprocessable', undefined],
      ['parked a record', 'waiting', { type: 'system', id: 'identity' }],
    ],
  )
})

test('rule 11: a record that waits for its predecessor is tried again, in order', async (t) => {
  const it = await world(t)
  let ready = false
  const running = await consumer(t, it, async (tx, events) => {
    if (!ready) {
      const parked = events.map(({ record }) => ({
        record,
        kind: 'waiting' as const,
        cause: 'early',
      }))
      throw new ParkError(parked)
    }
    return writeEffects(tx, events)
  })
  const account = newId()
  const records = Array.from({ length: 3 }, () => userCreated(newId(), account))
  await it.log.append(records)
  await eventually(() => running.parkedCount() === 3)
  ready = true
  await eventually(async () => (await it.effects()).length === 3)
  assert.deepEqual(await it.effects(), records.map(userOf))
  await eventually(() => running.parkedCount() === 0)
})

test('rule 11, F5: a record that fails for no known reason is isolated and parked alone', async (t) => {
  const it = await world(t)
  const records = Array.from({ length: 8 }, () => userCreated())
  const poison = userOf(records[3]!)
  const running = await consumer(t, it, async (tx, events) => {
    if (events.some(({ event }) => event.user_id === poison)) {
      throw new TypeError('planted')
    }
    return writeEffects(tx, events)
  })
  await it.log.append(records)
  await eventually(async () => (await it.effects()).length === 7)
  await eventually(() => running.parkedCount() === 1)
  assert.ok(!(await it.effects()).includes(poison))
})

test('rule 12: a new consumer reads everything from the beginning', async (t) => {
  const it = await world(t)
  const records = Array.from({ length: 30 }, () => userCreated())
  await it.log.append(records)
  await consumer(t, it, writeEffects)
  await eventually(async () => (await it.effects()).length >= records.length)
  assert.deepEqual((await it.effects()).toSorted(), records.map(userOf).toSorted())
})

test('a consumer that restarts continues at the offsets in the database', async (t) => {
  const it = await world(t)
  const first = await consumer(t, it, writeEffects)
  await it.log.append([userCreated(), userCreated()])
  await eventually(async () => (await it.effects()).length === 2)
  await first.stop()
  await it.log.append([userCreated()])
  await consumer(t, it, writeEffects)
  await eventually(async () => (await it.effects()).length === 3)
})
