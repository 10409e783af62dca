import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CATALOGUE } from '@caudal/contracts/catalogue.ts'
import type { EventRow } from '@caudal/contracts/event-row.ts'
import type { UserCreated } from '@caudal/contracts/events/users.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { createParser, type ParseEvent } from '@caudal/contracts/parse-event.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { IncomingEvent } from '../src/incoming-event.ts'
import { ParkError } from '../src/park-error.ts'
import { type Handlers, Unprocessable } from '../src/router.ts'
import { consumer, userCreated, userOf, type World, world, writeEffects } from './consumer-world.ts'

const row: EventRow = CATALOGUE['user.created']
const asItIs = (incoming: IncomingEvent<UserCreated>) => incoming

/** The later release: it knows `user.renamed`, and version 1.2.0 of `user.created`. */
const later: { parse: ParseEvent; handlers: Handlers<IncomingEvent<UserCreated>> } = {
  parse: createParser({
    'user.created': { ...row, schema: {}, version: '1.2.0' },
    'user.renamed': { ...row, schema: {} },
  }),
  handlers: { 'user.created': asItIs, ...({ 'user.renamed': asItIs } as object) },
}

/** A `user.created` as a later release writes it. */
function written(members: object, headers: Record<string, string> = {}, account = newId()) {
  const record = userCreated(newId(), account)
  const value = JSON.stringify({ ...(JSON.parse(record.value) as object), ...members })
  return { ...record, value, headers }
}

async function parked({ db }: World): Promise<{ kind: string; resolution: string | null }[]> {
  const { rows } = await db.query<{ kind: string; resolution: string | null }>(
    'SELECT kind, resolution FROM parked_records ORDER BY parked_at, record_offset',
  )
  return rows
}

test('an unknown type that names other consumers is skipped and counted', async (t) => {
  const it = await world(t)
  const metrics = createMetrics('test')
  const running = await consumer(t, it, writeEffects, { metrics })
  const account = newId()
  const headers = { consumers: 'audit,console' }
  const behind = userCreated(newId(), account)
  await it.log.append([written({ event_type: 'user.renamed' }, headers, account), behind])
  await eventually(async () => (await it.effects()).length === 1)
  assert.deepEqual(await it.effects(), [userOf(behind)])
  assert.equal(running.parkedCount(), 0)
  assert.match(await metrics.text(), /^events_skipped_total\{.*type="unknown".*\} 1$/m)
})

for (const [how, headers] of [
  ['names this service', { consumers: 'audit,test' }],
  ['does not name its consumers', {}],
] as const) {
  test(`an unknown type that ${how} waits, and is processed after a deploy`, async (t) => {
    const it = await world(t)
    const before = await consumer(t, it, writeEffects)
    const account = newId()
    const renamed = written({ event_type: 'user.renamed' }, headers, account)
    const behind = userCreated(newId(), account)
    const other = userCreated()
    await it.log.append([renamed, behind, other])
    await eventually(() => before.parkedCount() === 2)
    assert.deepEqual(before.parkedCounts(), { waiting: 1, newer: 1, unprocessable: 0 })
    assert.deepEqual(await it.effects(), [userOf(other)])
    await deploy(t, it, before)
    await eventually(async () => (await it.effects()).length === 3)
    assert.deepEqual((await it.effects()).slice(1), [userOf(renamed), userOf(behind)])
  })
}

test('a newer minor version waits, and is processed after a deploy', async (t) => {
  const it = await world(t)
  const before = await consumer(t, it, writeEffects)
  const record = written({ schema_version: '1.2.0', accounts: 'of another shape' })
  const next = written({ schema_version: '1.2.0' }, {}, record.key)
  await it.log.append([record, next])
  await eventually(() => before.parkedCounts().newer === 2)
  await deploy(t, it, before)
  await eventually(async () => (await it.effects()).length === 2)
  assert.deepEqual(await it.effects(), [userOf(record), userOf(next)])
  const processed = { kind: 'newer', resolution: 'processed' }
  assert.deepEqual(await parked(it), [processed, processed])
})

test('a newer patch version is read at once, and its new members are ignored', async (t) => {
  const it = await world(t)
  const running = await consumer(t, it, writeEffects)
  const record = written({ schema_version: '1.1.7', added: 'later' })
  await it.log.append([record])
  await eventually(async () => (await it.effects()).length === 1)
  assert.equal(running.parkedCount(), 0)
})

test('a newer patch that this release cannot take waits, and is never unprocessable', async (t) => {
  const it = await world(t)
  const refusesAll = { 'user.created': () => new Unprocessable('refused by the handler') }
  const invalid = written({ schema_version: '1.1.7', accounts: [] })
  const first = await consumer(t, it, writeEffects)
  await it.log.append([invalid])
  await eventually(() => first.parkedCounts().newer === 1)
  await first.stop()
  const second = await consumer(t, it, writeEffects, { handlers: refusesAll })
  await it.log.append([written({ schema_version: '1.1.7' })])
  await eventually(() => second.parkedCounts().newer === 2)
  await second.stop()
  const third = await consumer(t, it, async (_, work) => {
    throw new ParkError(
      work.map(({ record }) => ({ record, kind: 'unprocessable', cause: 'refused by the spine' })),
    )
  })
  await it.log.append([written({ schema_version: '1.1.7' })])
  await eventually(() => third.parkedCounts().newer === 3)
  await makeAllDue(it)
  await eventually(async () => (await attempts(it)).every((count) => count >= 2))
  assert.deepEqual(third.parkedCounts(), { waiting: 0, newer: 3, unprocessable: 0 })
})

test('an event of release 0.1.0 is upcast and processed', async (t) => {
  const it = await world(t)
  const actors: unknown[] = []
  await consumer(t, it, async (tx, work) => {
    actors.push(...work.map(({ event }) => event.actor))
    return writeEffects(tx, work)
  })
  await it.log.append([written({ schema_version: '1.0.0', actor: undefined })])
  await eventually(async () => (await it.effects()).length === 1)
  assert.deepEqual(actors, [{ type: 'system', id: 'identity' }])
})

test('an event of this release that does not match its schema is unprocessable', async (t) => {
  const it = await world(t)
  const running = await consumer(t, it, writeEffects)
  await it.log.append([written({ accounts: [] })])
  await eventually(() => running.parkedCount() === 1)
  assert.deepEqual(running.parkedCounts(), { waiting: 0, newer: 0, unprocessable: 1 })
})

test('what is not for this service is neither parked nor kept waiting by its key', async (t) => {
  const it = await world(t)
  const running = await consumer(t, it, writeEffects)
  const account = newId()
  const elsewhere = written({ event_type: 'user.renamed' }, { consumers: 'audit' }, account)
  await it.log.append([written({ accounts: [] }, {}, account), elsewhere])
  await eventually(() => running.parkedCount() === 1)
  assert.deepEqual(await parked(it), [{ kind: 'unprocessable', resolution: null }])
})

/** Stops the release before and starts the one that knows more, as a deploy does. */
async function deploy(
  t: Parameters<typeof consumer>[0],
  it: World,
  before: { stop(): Promise<void> },
): Promise<void> {
  await before.stop()
  // As if the release before had tried in vain for long.
  await it.db.query(
    `UPDATE parked_records SET next_attempt_at = now() + interval '1 minute' WHERE kind = 'newer'`,
  )
  await consumer(t, it, writeEffects, { ...later, topics: [TOPICS.users] })
}

async function makeAllDue({ db }: World): Promise<void> {
  await db.query('UPDATE parked_records SET next_attempt_at = now()')
}

async function attempts({ db }: World): Promise<number[]> {
  const { rows } = await db.query<{ attempts: number }>('SELECT attempts FROM parked_records')
  return rows.map((each) => each.attempts)
}
