import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { NewRecord } from '../src/event-log.ts'
import { consumer, userCreated, userOf, world, writeEffects } from './consumer-world.ts'

/** A `user.created` with other members, as a foreign producer may write it. */
function written(members: object, key = newId()): NewRecord {
  const record = userCreated(newId(), key)
  return {
    ...record,
    value: JSON.stringify({ ...(JSON.parse(record.value) as object), ...members }),
  }
}

const long = Array.from({ length: 4_000 }, () => newId()).join('')

for (const [what, members] of [
  ['a type with a NUL', { event_type: 'user.\0renamed' }],
  ['a type of 144,000 characters', { event_type: long }],
  ['a version of 144,000 characters', { schema_version: `1.${'9'.repeat(144_000)}.0` }],
  ['an order key with a NUL', { event_type: 'user.renamed', account_id: 'a\0b' }],
  ['an order key of 144,000 characters', { account_id: long }],
] as const) {
  test(`rule 11: a record with ${what} is parked, and its partition goes on`, async (t) => {
    const it = await world(t)
    const running = await consumer(t, it, writeEffects)
    const bad = written(members)
    const behind = { ...userCreated(), key: bad.key }
    await it.log.append([bad, behind])
    await eventually(async () => (await it.effects()).length === 1)
    assert.deepEqual(await it.effects(), [userOf(behind)])
    assert.equal(running.parkedCount(), 1)
  })
}
