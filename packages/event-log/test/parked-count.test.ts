import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { UserCreated } from '@caudal/contracts/events/users.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { ProcessWork } from '../src/apply-batch.ts'
import type { IncomingEvent } from '../src/incoming-event.ts'
import { ParkError } from '../src/park-error.ts'
import { consumer, userCreated, userOf, world, writeEffects } from './consumer-world.ts'

const COUNT_TAKES_MS = 400
const RECOUNTED_WITHIN = { timeoutMs: 30_000 }

/** Parks each record once, then processes it. */
function parkOnce(): ProcessWork<IncomingEvent<UserCreated>> {
  const seen = new Set<string>()
  return async (tx, work) => {
    const fresh = work.filter(({ event }) => !seen.has(event.user_id))
    for (const { event } of fresh) seen.add(event.user_id)
    if (fresh.length === 0) return writeEffects(tx, work)
    throw new ParkError(
      fresh.map(({ record }) => ({ record, kind: 'waiting' as const, cause: 'early' })),
    )
  }
}

/** The database, whose counts of no parked record arrive late once `counted` is set. */
function withSlowCounts(db: Db, slow: { counted?: () => void }): Db {
  return new Proxy(db, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      if (name !== 'query') return member.bind(target) as unknown
      return async (...query: [string | { text: string }]) => {
        const result = (await member.apply(target, query)) as { rows: unknown[] }
        const text = typeof query[0] === 'string' ? query[0] : query[0].text
        const isCount = text.includes('count(*) AS parked')
        if (slow.counted && isCount && result.rows.length === 0) {
          slow.counted()
          await delay(COUNT_TAKES_MS)
        }
        return result
      }
    },
  })
}

test('a record that is parked while parked records are counted is retried', async (t) => {
  const it = await world(t)
  const slow: { counted?: () => void } = {}
  const running = await consumer(t, { ...it, db: withSlowCounts(it.db, slow) }, parkOnce())
  const [first, second] = [userCreated(), userCreated()]
  await it.log.append([first])
  await eventually(() => running.parkedCount() === 1)
  const { promise: counted, resolve } = Promise.withResolvers<void>()
  slow.counted = resolve
  await counted
  await it.log.append([second])
  await eventually(async () => (await it.effects()).length === 2, { timeoutMs: 9_000 })
  assert.deepEqual(await it.effects(), [userOf(first), userOf(second)])
  await eventually(() => running.parkedCount() === 0)
})

test('a record that another process parked is counted and retried', async (t) => {
  const it = await world(t)
  const other = await consumer(t, it, parkOnce())
  const record = userCreated()
  await it.log.append([record])
  await eventually(() => other.parkedCount() === 1)
  await it.db.query("UPDATE parked_records SET next_attempt_at = now() + interval '1 hour'")
  await other.stop()
  await it.db.query("UPDATE parked_records SET consumer_group = 'elsewhere'")
  await consumer(t, it, writeEffects)
  await delay(1_000)
  await it.db.query(
    "UPDATE parked_records SET consumer_group = 'test', next_attempt_at = now() - interval '1 s'",
  )
  await eventually(async () => (await it.effects()).length === 1, RECOUNTED_WITHIN)
  assert.deepEqual(await it.effects(), [userOf(record)])
})
